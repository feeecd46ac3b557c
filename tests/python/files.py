"""Bills of a past day, and uploads as the package sends them: without a boundary in their header."""

import gzip
import hashlib
import os

from link import handle


async def run(client, base_uri, folder):
    await uploads(client, base_uri, folder)
    await bills(client)


async def uploads(client, base_uri, folder):
    def written(name, content):
        path = os.path.join(folder, name)
        with open(path, 'wb') as file:
            file.write(content)
        return path

    # With what looks like the end of a part.
    content = bytes(range(256)) + b'\r\n--\r\n--0--\r\n'
    for name in ('a.png', '微 信.jpg', 'b.jpeg', 'c.bmp'):
        image = written(name, content)
        assert (await client.ok('image_upload', image))['media_id']
        assert (await client.ok('image_upload', image, filename='其他.png'))['media_id']
    assert (await client.ok('video_upload', written('d.mp4', content)))['media_id']
    uploaded = await client.ok('marketing_image_upload', image)
    assert uploaded['media_url'].startswith('https://')
    invoice = written('e.pdf', content)
    assert (await client.ok('fapiao_upload_file', invoice))['fapiao_media_id']
    media_id = (await client.ok('complaint_image_upload', image))['media_id']
    url = f'{base_uri}/v3/merchant-service/images/{media_id}'
    assert await client.call('complaint_image_download', url) == (200, content)


async def bills(client):
    paid = await client.ok('query', out_trade_no='py-native-1')
    day = paid['success_time'][:10]
    assert (await client.refused('trade_bill', day))[0] == 400
    handle('advance', 24 * 60 * 60)

    async def read(name, compressed, *args, **kwargs):
        bill = await client.ok(name, *args, **kwargs)
        status, file = await client.call('download_bill', bill['download_url'])
        assert status == 200, file
        if compressed:
            file = gzip.decompress(file)
        assert bill['hash_type'] == 'SHA1'
        assert hashlib.sha1(file).hexdigest() == bill['hash_value'].lower()
        return file.decode()

    text = await read('trade_bill', True, day)
    assert f'`{paid["transaction_id"]},`py-native-1,' in text.replace('\r\n', ',')
    assert 'py-jsapi-1-r1' in text and 'py-native-2' not in text
    assert 'py-jsapi-1-r1' in await read('trade_bill', True, day, bill_type='REFUND')
    flow = await read('fundflow_bill', True, day)
    assert paid['transaction_id'] in flow
    assert 'py-share-1' in await read('profitsharing_bill', True, day)

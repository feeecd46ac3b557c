"""Keys of the platform: both modes, the change-over and the rotation of certificates; and what is damaged."""

import json

import plain
from link import exported, handle


async def run(client, client_of, sandbox):
    mchid = sandbox['merchant']
    merchant = exported(sandbox['folder'], mchid)
    if sandbox['public_key']:
        key_id, key = merchant['platform_key_id'], plain.public_key(merchant['platform_key'])
        headers = {'Wechatpay-Serial': key_id}
        # A merchant without certificates.
        response = plain.call(merchant, 'GET', '/v3/certificates', headers=headers)
        assert response.status_code == 404, response.text
        plain.verify(response, key_id, key)
    else:
        (key_id, certificate), = plain.certificates(merchant).items()
        key, headers = certificate.public_key(), {}
        loaded = client.package._core._certificates
        assert [each.serial_number for each in loaded] == [certificate.serial_number]
    await refusals(merchant, key_id, key, headers)
    await damage(client)

    # The change-over: clients with the key and with certificates at the same time, then the rotation.
    handle('platform_mode', mchid, 'both')
    handle('export')
    for public_key in (True, False):
        changing = await client_of('merchant', public_key=public_key)
        assert (await changing.ok('query', out_trade_no='py-native-1'))['trade_state'] == 'SUCCESS'
    old, = plain.certificates(merchant)
    for effective, count in (('both', 2), ('new', 1)):
        handle('rotate_certificates', mchid, effective)
        assert len(plain.certificates(merchant)) == count
        await changing.ok('query', out_trade_no='py-native-1')
    assert old not in plain.certificates(merchant)


async def refusals(merchant, key_id, key, headers):
    """The package does not verify errors."""
    mchid = merchant['mchid']
    for target, status in (
        (f'/v3/pay/transactions/out-trade-no/py-none?mchid={mchid}', 404),
        ('/v3/pay/transactions/out-trade-no/py-native-1?mchid=1', 400),
        ('/v3/no-such-path', 404),
    ):
        response = plain.call(merchant, 'GET', target, headers=headers)
        assert response.status_code == status, response.text
        assert json.loads(response.content)['code']
        plain.verify(response, key_id, key)
    paid = plain.call(
        merchant, 'GET', f'/v3/pay/transactions/out-trade-no/py-native-1?mchid={mchid}', headers=headers
    )
    assert paid.status_code == 200
    plain.verify(paid, key_id, key)


async def damage(client):
    handle('damage_response')
    try:
        await client.call('query', out_trade_no='py-native-1')
    except Exception as error:
        assert str(error) == 'failed to verify the signature'
    else:
        raise AssertionError('a bad signature was accepted')
    path = f'/{client.package._mchid}'
    for fault in ('bad signature', 'probe', 'wrong key', 'other APIv3 key'):
        handle('damage_notification', fault)
        handle('notify', 'REFUND.SUCCESS', f'{client.receiver.origin}{path}', {'out_refund_no': fault})
        assert client.package.callback(*client.receiver.take(path)) is None, fault
        # The true one follows.
        assert client.notified('REFUND.SUCCESS')['out_refund_no'] == fault

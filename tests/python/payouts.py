"""Money out: merchant transfers, batches, and profit sharing with its receiver."""

import hashlib

from link import handle
from payments import OPENID


async def run(client, shop, is_async):
    await transfers(client, is_async)
    await batches(client)
    await sharing(client, shop)


async def transfers(client, is_async):
    async def transfer(number, amount, **options):
        return await client.ok(
            'mch_transfer_bills',
            number,
            '1000',
            OPENID,
            amount,
            '2020年4月报销',
            transfer_scene_report_infos=[
                {'info_type': '活动名称', 'info_content': '新会员有礼'},
                {'info_type': '奖励说明', 'info_content': '注册会员抽奖'},
            ],
            **options,
        )

    before = handle('available', client.package._mchid)
    # From 2,000 yuan on the name is required, and it is encrypted.
    created = await transfer('pytransfer1', 200_000, user_name='张三', user_recv_perception='现金奖励')
    assert created['state'] == 'WAIT_USER_CONFIRM' and created['package_info']
    handle('user_confirms_transfer', 'pytransfer1')
    queried = await client.ok('mch_transfer_bills_query', out_bill_no='pytransfer1')
    assert queried['state'] == 'TRANSFERING'
    assert client.package.decrypt(queried['user_name']) == '张三'
    handle('transfer_succeeds', 'pytransfer1')
    notified = client.notified('MCHTRANSFER.BILL.FINISHED')
    assert (notified['state'], notified['transfer_amount']) == ('SUCCESS', 200_000)
    number = created['transfer_bill_no']
    assert notified['transfer_bill_no'] == number
    queried = await client.ok('mch_transfer_bills_query', transfer_bill_no=number)
    assert (queried['state'], queried['openid']) == ('SUCCESS', OPENID)
    assert handle('available', client.package._mchid) == before - 200_000

    await client.ok('mch_transfer_elecsign', out_bill_no='pytransfer1')
    handle('advance', 60)
    receipt = await client.ok('mch_transfer_elecsign_query', transfer_bill_no=number)
    assert receipt['state'] == 'FINISHED'
    status, file = await client.call('download_bill', receipt['download_url'])
    assert status == 200 and file.startswith(b'%PDF-')
    assert hashlib.sha256(file).hexdigest() == receipt['hash_value'].lower()

    await transfer('pytransfer2', 100)
    if is_async:
        # The package signs an empty body here and sends the four bytes of `null`.
        refused = await client.refused('mch_transfer_bills_cancel', 'pytransfer2')
        assert refused == (401, 'SIGN_ERROR')
        handle('transfer_fails', 'pytransfer2', 'NAME_NOT_CORRECT')
        state = 'FAIL'
    else:
        cancelled = await client.ok('mch_transfer_bills_cancel', 'pytransfer2')
        assert cancelled['state'] == 'CANCELING'
        handle('transfer_is_cancelled', 'pytransfer2')
        state = 'CANCELLED'
    assert client.notified('MCHTRANSFER.BILL.FINISHED')['state'] == state
    queried = await client.ok('mch_transfer_bills_query', out_bill_no='pytransfer2')
    assert queried['state'] == state
    assert handle('available', client.package._mchid) == before - 200_000


async def batches(client):
    created = await client.ok(
        'transfer_batch',
        'pybatch1',
        '2019年1月深圳分部报销单',
        '2019年1月深圳分部报销单',
        200_100,
        2,
        [
            {
                'out_detail_no': 'pydetail1',
                'transfer_amount': 200_000,
                'transfer_remark': '2020年4月报销',
                'openid': OPENID,
                'user_name': '张三',
            },
            {
                'out_detail_no': 'pydetail2',
                'transfer_amount': 100,
                'transfer_remark': '2020年4月报销',
                'openid': OPENID,
            },
        ],
        transfer_scene_id='1001',
    )
    handle('batch_finishes', 'pybatch1')
    notified = client.notified('MCHTRANSFER.BATCH.FINISHED')
    assert (notified['batch_status'], notified['success_amount']) == ('FINISHED', 200_100)
    queried = await client.ok('transfer_query_batchid', created['batch_id'], need_query_detail=True)
    assert queried['transfer_batch']['batch_status'] == 'FINISHED'
    detail_ids = {item['out_detail_no']: item['detail_id'] for item in queried['transfer_detail_list']}
    by_number = await client.ok('transfer_query_out_batch_no', 'pybatch1')
    assert by_number['transfer_batch'] == queried['transfer_batch']
    detail = await client.ok('transfer_query_detail_id', created['batch_id'], detail_ids['pydetail1'])
    assert client.package.decrypt(detail['user_name']) == '张三'
    detail = await client.ok('transfer_query_out_detail_no', 'pydetail2', 'pybatch1')
    assert detail['detail_status'] == 'SUCCESS'


async def sharing(client, shop):
    receiver = shop.package._mchid
    await client.ok(
        'pay',
        description='一杯茶',
        out_trade_no='py-shared-1',
        amount={'total': 1000},
        settle_info={'profit_sharing': True},
        pay_type='NATIVE',
    )
    handle('user_pays', 'py-shared-1')
    paid = client.notified('TRANSACTION.SUCCESS')['transaction_id']
    before = handle('available', receiver)
    added = await client.ok('profitsharing_add_receiver', 'MERCHANT_ID', receiver, 'STORE', name='门店')
    assert client.package.decrypt(added['name']) == '门店'
    share = {'type': 'MERCHANT_ID', 'account': receiver, 'amount': 300, 'description': '分给门店'}
    # The package encrypts the name.
    created = await client.ok(
        'profitsharing_order', paid, 'py-share-1', [{**share, 'name': '门店'}], False
    )
    assert created['state'] == 'PROCESSING'
    handle('advance', 60)
    notified = shop.notified('TRANSACTION.SUCCESS')
    assert (notified['order_id'], notified['receiver']['amount']) == (created['order_id'], 300)
    queried = await client.ok('profitsharing_order_query', paid, 'py-share-1')
    assert queried['state'] == 'FINISHED'
    assert [each['result'] for each in queried['receivers']] == ['SUCCESS']
    assert (await client.ok('profitsharing_amount_query', paid))['unsplit_amount'] == 700
    assert handle('available', receiver) == before + 300

    returned = await client.ok(
        'profitsharing_return', 'py-return-1', receiver, 100, '用户退款', out_order_no='py-share-1'
    )
    handle('advance', 60)
    queried = await client.ok('profitsharing_return_query', 'py-share-1', 'py-return-1')
    assert (queried['result'], queried['return_id']) == ('SUCCESS', returned['return_id'])
    assert shop.notified('TRANSACTION.SUCCESS')['receiver']['amount'] == 100
    assert handle('available', receiver) == before + 200

    await client.ok('profitsharing_unfreeze', paid, 'py-unfreeze-1', '解冻全部剩余资金')
    handle('advance', 60)
    assert (await client.ok('profitsharing_amount_query', paid))['unsplit_amount'] == 0
    await client.ok('profitsharing_delete_receiver', 'MERCHANT_ID', receiver)
    refused = await client.refused('profitsharing_order', paid, 'py-share-2', [share], True)
    assert refused[0] in (400, 403)

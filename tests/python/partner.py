"""A service provider: payments, refunds and profit sharing of its sub-merchant."""

import agreements
import applications
from link import handle
from payments import OPENID, STORE


async def run(client, shop, sub_mchid):
    sub = {'sub_mchid': sub_mchid}

    async def pay(number, **options):
        options.setdefault('pay_type', 'JSAPI')
        options.setdefault('payer', {'sp_openid': OPENID})
        return await client.call(
            'pay', description='一杯茶', out_trade_no=number, amount={'total': 1000}, **sub, **options
        )

    status, body = await pay('py-partner-1', settle_info={'profit_sharing': True})
    assert status == 200, body
    handle('user_pays', 'py-partner-1')
    notified = client.notified('TRANSACTION.SUCCESS')
    assert notified['sub_mchid'] == sub_mchid
    paid = notified['transaction_id']
    queried = await client.ok('query', transaction_id=paid, **sub)
    assert queried == await client.ok('query', out_trade_no='py-partner-1', **sub)

    await pay('py-partner-2')
    await client.ok('close', 'py-partner-2', **sub)
    assert (await client.ok('query', out_trade_no='py-partner-2', **sub))['trade_state'] == 'CLOSED'
    status, body = await pay(
        'py-partner-3',
        payer={'auth_code': handle('auth_code')},
        scene_info=STORE,
        pay_type='CODEPAY',
    )
    assert status == 200, body
    await client.ok('codepay_reverse', 'py-partner-3', **sub)
    queried = await client.ok('query', out_trade_no='py-partner-3', **sub)
    assert queried['trade_state'] in ('REVOKED', 'REFUND')
    handle('advance', 60)
    while not client.receiver.arrived.empty():
        client.notified('REFUND.SUCCESS')

    receiver = shop.package._mchid
    ratio = await client.ok('profitsharing_config_query', sub_mchid)
    assert ratio['max_ratio'] > 0
    await client.ok('profitsharing_add_receiver', 'MERCHANT_ID', receiver, 'STORE', name='门店', **sub)
    share = {'type': 'MERCHANT_ID', 'account': receiver, 'amount': 300, 'description': '分给门店'}
    await client.ok('profitsharing_order', paid, 'py-partner-share-1', [share], True, **sub)
    handle('advance', 60)
    assert shop.notified('TRANSACTION.SUCCESS')['receiver']['amount'] == 300
    queried = await client.ok('profitsharing_order_query', paid, 'py-partner-share-1', **sub)
    assert queried['state'] == 'FINISHED'

    amount = {'refund': 700, 'total': 1000, 'currency': 'CNY'}
    await client.ok('refund', 'py-partner-r1', amount, transaction_id=paid, **sub)
    handle('advance', 60)
    assert client.notified('REFUND.SUCCESS')['out_refund_no'] == 'py-partner-r1'
    queried = await client.ok('query_refund', 'py-partner-r1', **sub)
    assert queried['status'] == 'SUCCESS'
    await agreements.parking(client, sub_mchid)
    await applications.run(client)

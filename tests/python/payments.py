"""Payments of each product, refunds and combined orders, from prepay to the last notification."""

import secrets
import time

import requests

from link import handle

OPENID = 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o'
STORE = {'payer_client_ip': '14.23.150.211', 'store_info': {'id': '0001', 'name': '腾讯大厦分店'}}


async def run(client, merchant):
    await jsapi(client, merchant)
    await app(client, merchant)
    await native(client)
    await h5(client)
    await code(client)
    await combined(client)


def phone(merchant, params):
    """Opens a payment on the customer's phone and returns the response."""
    return requests.post(f'{merchant["base_uri"]}_sandbox/v1/phone/pay', json=params, timeout=60)


def paid_by_phone(merchant, params, signature):
    """Pays with these parameters, after the same were refused with one changed letter."""
    right = params[signature]
    wrong = ('A' if right[0] != 'A' else 'B') + right[1:]
    refused = phone(merchant, {**params, signature: wrong})
    assert refused.status_code >= 400, refused.text
    paid = phone(merchant, params)
    assert paid.status_code == 200, paid.text


async def jsapi(client, merchant):
    number = 'py-jsapi-1'
    for product in ('JSAPI', 'MINIPROG'):
        prepaid = await client.ok(
            'pay',
            description='Image形象店-深圳腾大-QQ公仔',
            out_trade_no=number,
            amount={'total': 100, 'currency': 'CNY'},
            payer={'openid': OPENID},
            attach='自定义数据',
            pay_type=product,
        )
    timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
    package = f'prepay_id={prepaid["prepay_id"]}'
    sign = client.package.sign([merchant['appid'], timestamp, nonce, package])
    page = {'appId': merchant['appid'], 'timeStamp': timestamp, 'nonceStr': nonce, 'package': package}
    paid_by_phone(merchant, {**page, 'signType': 'RSA', 'paySign': sign}, 'paySign')
    notified = client.notified('TRANSACTION.SUCCESS')
    assert notified['out_trade_no'] == number
    assert notified['trade_state'] == 'SUCCESS'
    assert notified['attach'] == '自定义数据'
    assert notified['amount']['total'] == 100
    assert notified['payer']['openid'] == OPENID
    await refunds(client, number, notified)


async def refunds(client, number, paid):
    queried = await client.ok('query', out_trade_no=number)
    assert queried['transaction_id'] == paid['transaction_id']
    refund = {'out_refund_no': f'{number}-r1', 'amount': {'refund': 40, 'total': 100, 'currency': 'CNY'}}
    refunded = await client.ok('refund', out_trade_no=number, reason='商品已售完', **refund)
    assert refunded['status'] == 'PROCESSING'
    again = await client.ok('refund', out_trade_no=number, reason='商品已售完', **refund)
    assert again['refund_id'] == refunded['refund_id']
    handle('advance', 60)
    notified = client.notified('REFUND.SUCCESS')
    assert notified['refund_id'] == refunded['refund_id']
    assert notified['refund_status'] == 'SUCCESS'
    assert notified['amount']['refund'] == 40
    queried = await client.ok('query_refund', refund['out_refund_no'])
    assert (queried['status'], queried['amount']['refund']) == ('SUCCESS', 40)
    assert (await client.ok('query', out_trade_no=number))['trade_state'] == 'REFUND'
    too_much = {'out_refund_no': f'{number}-r2', 'amount': {'refund': 61, 'total': 100, 'currency': 'CNY'}}
    assert (await client.refused('refund', out_trade_no=number, **too_much))[0] in (400, 403)

    # The user's card cannot take it back.
    refund = {'out_refund_no': f'{number}-r3', 'amount': {'refund': 60, 'total': 100, 'currency': 'CNY'}}
    refunded = await client.ok('refund', transaction_id=paid['transaction_id'], **refund)
    handle('refund_fails', refund['out_refund_no'])
    assert client.notified('REFUND.ABNORMAL')['refund_status'] == 'ABNORMAL'
    await client.ok(
        'abnormal_refund',
        refunded['refund_id'],
        refund['out_refund_no'],
        'USER_BANK_CARD',
        bank_type='ICBC_DEBIT',
        bank_account='6222000000000000',
        real_name='张三',
    )
    handle('advance', 60)
    assert client.notified('REFUND.SUCCESS')['refund_id'] == refunded['refund_id']


async def app(client, merchant):
    prepaid = await client.ok(
        'pay',
        description='一杯茶',
        out_trade_no='py-app-1',
        amount={'total': 1},
        pay_type='APP',
    )
    prepay_id, timestamp, nonce = prepaid['prepay_id'], str(int(time.time())), secrets.token_hex(16)
    opened = {
        'appid': merchant['appid'],
        'partnerid': merchant['mchid'],
        'prepayid': prepay_id,
        'package': 'Sign=WXPay',
        'noncestr': nonce,
        'timestamp': timestamp,
        'sign': client.package.sign([merchant['appid'], timestamp, nonce, prepay_id]),
    }
    paid_by_phone(merchant, opened, 'sign')
    assert client.notified('TRANSACTION.SUCCESS')['trade_type'] == 'APP'


async def native(client):
    async def order(number):
        prepaid = await client.ok(
            'pay',
            description='一杯茶',
            out_trade_no=number,
            amount={'total': 888},
            detail={'cost_price': 888, 'goods_detail': [
                {'merchant_goods_id': 'tea', 'goods_name': '茶', 'quantity': 1, 'unit_price': 888},
            ]},
            pay_type='NATIVE',
        )
        assert prepaid['code_url'].startswith('weixin://')

    await order('py-native-1')
    assert (await client.ok('query', out_trade_no='py-native-1'))['trade_state'] == 'NOTPAY'
    handle('user_pays', 'py-native-1')
    notified = client.notified('TRANSACTION.SUCCESS')
    assert notified['trade_type'] == 'NATIVE'
    queried = await client.ok('query', transaction_id=notified['transaction_id'])
    assert queried == await client.ok('query', out_trade_no='py-native-1')
    assert queried['success_time'] == notified['success_time']
    assert await client.refused('close', 'py-native-1') == (400, 'ORDERPAID')

    await order('py-native-2')
    status, body = await client.call('close', 'py-native-2')
    assert (status, len(body)) == (204, 0)
    assert (await client.ok('query', out_trade_no='py-native-2'))['trade_state'] == 'CLOSED'
    assert (await client.refused('query', out_trade_no='py-native-3'))[0] == 404


async def h5(client):
    prepaid = await client.ok(
        'pay',
        description='一杯茶',
        out_trade_no='py-h5-1',
        amount={'total': 2},
        scene_info={'payer_client_ip': '14.23.150.211', 'h5_info': {'type': 'Wap'}},
        pay_type='H5',
    )
    assert prepaid['h5_url'].startswith('https://')
    handle('user_pays', 'py-h5-1')
    assert client.notified('TRANSACTION.SUCCESS')['trade_type'] == 'MWEB'


async def code(client):
    async def pay(number, total):
        return await client.call(
            'pay',
            description='一杯茶',
            out_trade_no=number,
            amount={'total': total},
            payer={'auth_code': handle('auth_code')},
            scene_info=STORE,
            pay_type='CODEPAY',
        )

    status, body = await pay('py-code-1', 3)
    assert status == 200, body
    assert (await client.ok('query', out_trade_no='py-code-1'))['trade_type'] == 'MICROPAY'
    # From 1,000 yuan on, the customer enters a password. This one does not.
    await pay('py-code-2', 100_000)
    assert (await client.ok('query', out_trade_no='py-code-2'))['trade_state'] == 'USERPAYING'
    await client.ok('codepay_reverse', 'py-code-2')
    assert (await client.ok('query', out_trade_no='py-code-2'))['trade_state'] == 'REVOKED'
    handle('advance', 60)


async def combined(client):
    mchid = client.package._mchid

    def subs(number):
        return [
            {
                'mchid': mchid,
                'attach': '深圳分店',
                'amount': {'total_amount': total, 'currency': 'CNY'},
                'out_trade_no': f'{number}-{total}',
                'description': '腾讯充值中心-QQ会员充值',
            }
            for total in (10, 20)
        ]

    for number in ('py-combine-1', 'py-combine-2'):
        prepaid = await client.ok(
            'combine_pay',
            number,
            subs(number),
            combine_payer_info={'openid': OPENID},
            scene_info={'device_id': 'POS1:123', 'payer_client_ip': '14.17.22.32'},
            pay_type='JSAPI',
        )
        assert prepaid['prepay_id']
    handle('user_pays', 'py-combine-1')
    notified = client.notified('TRANSACTION.SUCCESS')
    assert [sub['trade_state'] for sub in notified['sub_orders']] == ['SUCCESS', 'SUCCESS']
    queried = await client.ok('combine_query', 'py-combine-1')
    assert queried['sub_orders'] == notified['sub_orders']
    closing = [{'mchid': mchid, 'out_trade_no': sub['out_trade_no']} for sub in subs('py-combine-2')]
    await client.ok('combine_close', 'py-combine-2', closing)
    queried = await client.ok('combine_query', 'py-combine-2')
    assert [sub['trade_state'] for sub in queried['sub_orders']] == ['CLOSED', 'CLOSED']

"""Coupons of WeChat Pay, from their stock to the notification of their use."""

import datetime

from link import handle
from payments import OPENID


def time(days):
    now = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8)))
    return (now + datetime.timedelta(days=days)).isoformat(timespec='seconds')


async def run(client):
    mchid = client.package._mchid
    await client.ok('marketing_favor_callback_update')
    created = await client.ok(
        'marketing_favor_stock_create',
        stock_name='微信支付代金券批次',
        belong_merchant=mchid,
        available_begin_time=time(-1),
        available_end_time=time(7),
        stock_use_rule={
            'max_coupons': 5,
            'max_amount': 500,
            'max_coupons_per_user': 1,
            'natural_person_limit': False,
            'prevent_api_abuse': True,
        },
        coupon_use_rule={
            'fixed_normal_coupon': {'coupon_amount': 100, 'transaction_minimum': 101},
            'available_merchants': [mchid],
        },
        out_request_no='py-stock-1',
        no_cash=True,
    )
    stock = {'stock_creator_mchid': mchid, 'stock_id': created['stock_id']}
    await client.ok('marketing_favor_stock_start', **stock)
    assert (await client.ok('marketing_favor_stock_detail', **stock))['status'] == 'running'
    sent = await client.ok('marketing_favor_stock_send', openid=OPENID, out_request_no='py-coupon-1', **stock)
    coupon = sent['coupon_id']
    detail = await client.ok('marketing_favor_coupon_detail', coupon, OPENID)
    assert detail['status'] == 'SENDED'

    await client.ok(
        'pay', description='一杯茶', out_trade_no='py-coupon-order', amount={'total': 888}, pay_type='NATIVE'
    )
    handle('user_pays_with_coupon', 'py-coupon-order', coupon)
    notified = client.notified_of({'TRANSACTION.SUCCESS', 'COUPON.USE'})
    assert notified['COUPON.USE']['coupon_id'] == coupon
    assert notified['TRANSACTION.SUCCESS']['amount']['payer_total'] == 788
    promotion, = notified['TRANSACTION.SUCCESS']['promotion_detail']
    assert (promotion['coupon_id'], promotion['amount']) == (coupon, 100)
    detail = await client.ok('marketing_favor_coupon_detail', coupon, OPENID)
    assert detail['status'] == 'USED'

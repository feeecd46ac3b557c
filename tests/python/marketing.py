"""Coupons of WeChat Pay, from their stock to the notification of their use, and stocks of merchants."""

import datetime

from link import handle
from payments import OPENID


def time(days):
    now = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8)))
    return (now + datetime.timedelta(days=days)).isoformat(timespec='seconds')


async def run(client):
    await coupons(client)
    await stocks_of_merchants(client)


async def coupons(client):
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


async def stocks_of_merchants(client):
    mchid = client.package._mchid
    url = f'{client.receiver.origin}/{mchid}'
    await client.ok('marketing_busifavor_callback_update', notify_url=url)
    assert (await client.ok('marketing_busifavor_callback_query'))['notify_url'] == url
    created = await client.ok(
        'marketing_busifavor_stock_create',
        stock_name='八月活动',
        belong_merchant=mchid,
        goods_name='茶',
        stock_type='NORMAL',
        coupon_use_rule={
            'coupon_available_time': {
                'available_begin_time': time(-1),
                'available_end_time': time(7),
                'available_day_after_receive': 3,
            },
            'fixed_normal_coupon': {'discount_amount': 500, 'transaction_minimum': 1000},
            'use_method': 'OFF_LINE',
        },
        stock_send_rule={'max_coupons': 3, 'max_coupons_per_user': 2},
        out_request_no='py-busifavor-1',
        coupon_code_mode='MERCHANT_UPLOAD',
    )
    stock = created['stock_id']
    assert (await client.ok('marketing_busifavor_stock_query', stock))['stock_state'] == 'RUNNING'
    codes = await client.ok('marketing_busifavor_couponcode_upload', stock, 'py-codes-1', ['py1', 'py2'])
    assert codes['success_count'] == 2
    # Both are requests with PATCH.
    await client.ok('marketing_busifavor_stock_modify', stock, out_request_no='py-modified-1', comment='餐饮')
    changed = await client.ok(
        'marketing_busifavor_stock_budget',
        stock,
        'py-budget-1',
        target_max_coupons=5,
        current_max_coupons=3,
    )
    assert changed['max_coupons'] == 5
    assert (await client.ok('marketing_busifavor_stock_query', stock))['comment'] == '餐饮'

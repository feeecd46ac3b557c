"""Pay-score permissions and orders, complaints, and parking."""

from link import handle

SERVICE = '500001'


async def run(client):
    await permissions(client)
    await service_orders(client)
    await complaints(client)
    await parking(client)


async def permissions(client):
    asked = await client.ok('payscore_permission', SERVICE, 'py-authorization-1')
    assert asked['apply_permissions_token']
    handle('user_opens_permission', 'py-authorization-1')
    opened = client.notified('PAYSCORE.USER_OPEN_SERVICE')
    assert opened['authorization_code'] == 'py-authorization-1'
    by_code = {'authorization_code': opened['authorization_code']}
    for by in (by_code, {'openid': opened['openid']}):
        queried = await client.ok('payscore_permission_query', SERVICE, **by)
        assert queried['authorization_state'] == 'AVAILABLE'
    handle('user_closes_permission', 'py-authorization-1')
    client.notified('PAYSCORE.USER_CLOSE_SERVICE')
    queried = await client.ok('payscore_permission_query', SERVICE, **by_code)
    assert queried['authorization_state'] == 'UNAVAILABLE'


async def service_orders(client):
    async def create(number):
        return await client.ok(
            'payscore_create',
            out_order_no=number,
            service_id=SERVICE,
            service_introduction='某某酒店',
            time_range={'start_time': 'OnAccept'},
            risk_fund={'name': 'ESTIMATE_ORDER_COST', 'amount': 10000},
        )

    created = await create('pyscore1')
    assert created['state'] == 'CREATED' and created['package']
    handle('user_confirms', 'pyscore1')
    assert client.notified('PAYSCORE.USER_CONFIRM')['out_order_no'] == 'pyscore1'
    queried = await client.ok('payscore_query', service_id=SERVICE, out_order_no='pyscore1')
    assert queried['state_description'] == 'USER_CONFIRM'
    completed = await client.ok(
        'payscore_complete',
        'pyscore1',
        SERVICE,
        [{'name': '就餐费用', 'amount': 4000}],
        3900,
        post_discounts=[{'name': '满20减1元', 'description': '不与其他优惠叠加', 'amount': 100}],
    )
    assert completed['collection']['state'] == 'USER_PAYING'
    modified = await client.ok(
        'payscore_modify', 'pyscore1', SERVICE, [{'name': '就餐费用', 'amount': 3000}], 3000, '用户投诉'
    )
    assert modified['collection']['paying_amount'] == 3000
    await client.ok('payscore_pay', 'pyscore1', SERVICE)
    before = handle('available', client.package._mchid)
    handle('user_pays', 'pyscore1')
    notified = client.notified('PAYSCORE.USER_PAID')
    assert notified['collection']['state'] == 'USER_PAID'
    assert handle('available', client.package._mchid) == before + 3000
    paid = notified['collection']['details'][0]['transaction_id']
    amount = {'refund': 1000, 'total': 3000, 'currency': 'CNY'}
    await client.ok('payscore_refund', paid, 'pyscore1-r1', amount)
    handle('advance', 60)
    assert client.notified('REFUND.SUCCESS')['transaction_id'] == paid
    refunded = await client.ok('payscore_refund_query', 'pyscore1-r1')
    assert refunded['status'] == 'SUCCESS'

    await create('pyscore2')
    await client.ok('payscore_cancel', 'pyscore2', SERVICE, '用户取消')
    queried = await client.ok('payscore_query', service_id=SERVICE, out_order_no='pyscore2')
    assert queried['state'] == 'REVOKED'
    refused = await client.refused(
        'payscore_sync', 'pyscore2', SERVICE, detail={'paid_time': '20091225091210'}
    )
    assert refused[0] == 400


async def complaints(client):
    """Answers a complaint about an order that is paid, and a request for a refund."""
    url = f'{client.receiver.origin}/{client.package._mchid}'
    assert (await client.ok('complaint_notification_create', 'https://www.example.com/notify'))['url']
    assert (await client.ok('complaint_notification_update', url))['url'] == url
    assert (await client.ok('complaint_notification_query'))['url'] == url

    complaint = handle('user_complains', 'py-native-1', '茶是凉的')
    assert client.notified('COMPLAINT.CREATE')['complaint_id'] == complaint
    seen = await client.ok('complaint_detail_query', complaint)
    assert (seen['complaint_state'], seen['complaint_detail']) == ('PENDING', '茶是凉的')
    assert len(client.package.decrypt(seen['payer_phone'])) == 11
    day = seen['complaint_time'][:10]
    listed = await client.ok('complaint_list_query', begin_date=day, end_date=day)
    assert [each['complaint_id'] for each in listed['data']] == [complaint]
    await client.ok('complaint_response', complaint, '已换一杯')
    assert client.notified('COMPLAINT.STATE_CHANGE')['action_type'] == 'MERCHANT_RESPONSE'
    await client.ok('complaint_complete', complaint)
    assert client.notified('COMPLAINT.STATE_CHANGE')['action_type'] == 'MERCHANT_CONFIRM_COMPLETE'
    history = await client.ok('complaint_history_query', complaint)
    assert history['total_count'] == len(history['data']) == 3

    complaint = handle('user_asks_for_refund', 'py-h5-1', 2, '不要了')
    client.notified('COMPLAINT.CREATE')
    await client.ok('complaint_update_refund', complaint, 'APPROVE', launch_refund_day=3)
    client.notified('COMPLAINT.STATE_CHANGE')
    await client.ok('complaint_notification_delete')


async def parking(client, sub_mchid=None):
    """Parks a car. Only a service provider names a sub-merchant, though the documents require it of all."""
    sub = {'sub_mchid': sub_mchid} if sub_mchid else {}
    car = {
        'plate_number': '粤B888888',
        'plate_color': 'BLUE',
        'start_time': '2017-08-26T10:43:39+08:00',
        'parking_name': '欢乐海岸停车场',
    }
    entered = await client.ok(
        'parking_enter', 'pyparking1', free_duration=3600, **car, **sub
    )
    ordered = await client.ok(
        'parking_order',
        description='停车场扣费',
        out_trade_no='pyparking1',
        total=888,
        parking_id=entered['id'],
        end_time='2017-08-26T12:43:39+08:00',
        charging_duration=3600,
        device_id='12313',
        sub_appid=sub and client.package._appid,
        **car,
        **sub,
    )
    assert ordered['out_trade_no'] == 'pyparking1'

"""An application for a merchant, whose sealed fields the package encrypts, and its settlement account."""

from link import handle

ACCOUNT = '6222021234567890123'


async def run(client):
    created = await client.ok(
        'applyment_submit',
        business_code='py_application_1',
        contact_info={
            'contact_type': 'SUPER',
            'contact_name': '张三',
            'contact_id_number': '11010119900307007X',
            'mobile_phone': '13900000000',
            'contact_email': 'tea@example.com',
        },
        subject_info={
            'subject_type': 'SUBJECT_TYPE_ENTERPRISE',
            'business_license_info': {
                'license_copy': 'm1',
                'license_number': '123456789012345678',
                'merchant_name': '茶馆有限公司',
                'legal_person': '张三',
            },
            'identity_info': {
                'id_doc_type': 'IDENTIFICATION_TYPE_IDCARD',
                'owner': True,
                'id_card_info': {
                    'id_card_copy': 'm2',
                    'id_card_national': 'm3',
                    'id_card_name': '张三',
                    'id_card_number': '110101199003070070',
                    'id_card_address': '茶路1号',
                    'card_period_begin': '2020-01-01',
                    'card_period_end': '2040-01-01',
                },
            },
        },
        business_info={
            'merchant_shortname': '茶馆',
            'service_phone': '0758888',
            'sales_info': {'sales_scenes_type': ['SALES_SCENES_STORE']},
        },
        settlement_info={'settlement_id': '719', 'qualification_type': '餐饮'},
        bank_account_info={
            'bank_account_type': 'BANK_ACCOUNT_TYPE_CORPORATE',
            'account_name': '茶馆有限公司',
            'account_bank': '招商银行',
            'bank_address_code': '110000',
            'account_number': ACCOUNT,
        },
    )
    queried = await client.ok('applyment_query', business_code='py_application_1')
    assert queried['applyment_state'] == 'APPLYMENT_STATE_AUDITING'
    sub_mchid = handle('applyment_passes', 'py_application_1')
    queried = await client.ok('applyment_query', applyment_id=created['applyment_id'])
    assert queried['applyment_state'] == 'APPLYMENT_STATE_FINISHED'
    assert queried['sub_mchid'] == sub_mchid
    settlement = await client.ok('applyment_settlement_query', sub_mchid)
    assert settlement['account_bank'] == '招商银行'
    changed = await client.ok(
        'applyment_settlement_modify', sub_mchid, 'ACCOUNT_TYPE_BUSINESS', '工商银行', '110000', ACCOUNT
    )
    handle('settlement_change_succeeds', changed['application_no'])
    settlement = await client.ok('applyment_settlement_query', sub_mchid)
    assert settlement['account_bank'] == '工商银行'

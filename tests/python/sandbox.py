"""Runs another client, wechatpayv3, against the sandbox: complete flows of a direct merchant, of a
receiver of profit sharing and of a service provider."""

import asyncio
import contextlib
import os

from wechatpayv3.async_.core import AsyncCore
from wechatpayv3.core import Core

import agreements
import files
import marketing
import partner
import payments
import payouts
import trust
from link import Client, Receiver, exported, handle


async def main():
    receiver = Receiver()
    sandbox = handle('start', receiver.origin)
    merchant = exported(sandbox['folder'], sandbox['merchant'])
    base_uri = merchant['base_uri'].removesuffix('/')
    if sandbox['proxy']:
        # The package as it is, with its own host.
        os.environ['HTTPS_PROXY'] = sandbox['proxy']
        for name in ('REQUESTS_CA_BUNDLE', 'SSL_CERT_FILE'):
            os.environ[name] = sandbox['ca']
        base_uri = 'https://api.mch.weixin.qq.com'
    else:
        # The host is no option of the package. Its attribute is set in the constructor, which already uses it.
        for core in (Core, AsyncCore):
            core._gate_way = property(lambda _: base_uri, lambda *_: None)

    async with contextlib.AsyncExitStack() as stack:

        async def client_of(name, public_key=sandbox['public_key'], **options):
            merchant = exported(sandbox['folder'], sandbox[name])
            return await Client.of(stack, merchant, receiver, sandbox['async'], public_key, **options)

        client, shop = await client_of('merchant'), await client_of('shop')
        await payments.run(client, merchant)
        await payouts.run(client, shop, sandbox['async'])
        await agreements.run(client)
        await marketing.run(client)
        await partner.run(await client_of('partner', partner_mode=True), shop, sandbox['sub_mchid'])
        await files.run(client, base_uri, sandbox['folder'])
        await trust.run(client, client_of, sandbox)
    assert receiver.arrived.empty(), receiver.arrived.get()
    handle('finish')


asyncio.run(main())

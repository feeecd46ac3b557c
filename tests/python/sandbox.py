"""Runs another client, wechatpayv3, against the sandbox: complete flows of a direct merchant, of a
receiver of profit sharing and of a service provider."""

import asyncio
import contextlib

from wechatpayv3.async_.core import AsyncCore
from wechatpayv3.core import Core

import agreements
import files
import partner
import payments
import payouts
import trust
from link import Client, Receiver, handle


async def main():
    receiver = Receiver()
    sandbox = handle('start', receiver.origin)
    sandbox['baseUri'] = sandbox['baseUri'].removesuffix('/')
    # The host is no option of the package. Its attribute is set in the constructor, which already uses it.
    for core in (Core, AsyncCore):
        core._gate_way = property(lambda _: sandbox['baseUri'], lambda *_: None)

    async with contextlib.AsyncExitStack() as stack:

        async def client_of(merchant, **options):
            options.setdefault('public_key', sandbox['mode'] == 'public key')
            return await Client.of(stack, sandbox, sandbox[merchant], receiver, **options)

        client, shop = await client_of('merchant'), await client_of('shop')
        await payments.run(client, sandbox)
        await payouts.run(client, shop, sandbox)
        await agreements.run(client, sandbox)
        await partner.run(await client_of('partner', partner_mode=True), shop, sandbox)
        await files.run(client, sandbox)
        await trust.run(client, client_of, sandbox)
    assert receiver.arrived.empty(), receiver.arrived.get()
    handle('finish')


asyncio.run(main())

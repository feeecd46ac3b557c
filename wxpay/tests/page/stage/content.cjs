// What the views show in the tests: orders in each state, requests that were refused, faults that fired.

const merchant = require('./merchant.cjs');
const receiver = require('./receiver.cjs');

// Returns the addresses of all views, those of single items among them.
exports.fill = async (given) => {
  let failures = 1;
  const shop = await receiver.start(given, () => (failures-- > 0 ? { status: 500, body: 'the database is away' } : { status: 204 }));
  const notify = { notify_url: shop.url };
  await merchant.order(given, 'tea-0001', { ...notify, description: 'A cup of oolong 一杯乌龙茶', amount: { total: 2800 } });
  await merchant.query(given, 'tea-0001');
  await merchant.control(given, 'POST', 'orders/tea-0001/pay');
  await shop.next();
  await merchant.query(given, 'tea-0001');
  await merchant.refund(given, 'tea-0001', 'refund-0001', 800, 2800, notify);
  await merchant.control(given, 'POST', 'clock', { advance_s: 90 });
  // The payment's second attempt, and the refund.
  await shop.next();
  await shop.next();

  await merchant.order(given, 'tea-0002', { ...notify, description: 'Two cups of green tea 两杯绿茶', amount: { total: 3600 } });
  await merchant.order(given, 'tea-0003', { ...notify, description: 'A teapot 茶壶', amount: { total: 19900 } });
  await merchant.control(given, 'POST', 'orders/tea-0003/fail');

  await merchant.control(given, 'POST', 'faults', { fault: 'error', status: 503, path: 'v3/pay' });
  await merchant.query(given, 'tea-0002');
  await merchant.control(given, 'POST', 'faults', { fault: 'lost_response', path: 'v3/refund', times: 3 });
  await merchant.control(given, 'POST', 'delivery-faults', { fault: 'wrong_key' });

  const { wrong, body } = await exports.wrongSignature(given);
  const { data: deliveries } = await merchant.control(given, 'GET', 'notifications');
  const paid = deliveries.find(({ event_type }) => event_type === 'TRANSACTION.SUCCESS');
  return {
    views: [
      '#/cashier',
      `#/cashier/orders/${given.config.mchid}/payment/tea-0001`,
      '#/cashier/refunds',
      '#/cashier/transfers',
      '#/phone',
      '#/phone/scan',
      '#/phone/code',
      `#/phone/item/${given.config.mchid}/payment/tea-0001`,
      `#/phone/item/${given.config.mchid}/payment/tea-0002`,
      '#/requests',
      `#/requests/${wrong.id}`,
      '#/notifications',
      `#/notifications/${encodeURIComponent(paid.id)}`,
      '#/orders/tea-0001',
      '#/money',
      '#/faults',
      '#/setup',
    ],
    wrong,
    body,
  };
};

// Sends a request whose signature is of a compact body, though the one that is sent has spaces. Returns its row
// in the log.
exports.wrongSignature = async (given) => {
  const order = {
    appid: given.config.appid,
    mchid: given.config.mchid,
    description: 'Tea',
    out_trade_no: 'tea-0009',
    notify_url: 'http://127.0.0.1:9/notify',
    amount: { total: 100 },
  };
  const body = JSON.stringify(order, null, 2);
  const refused = await merchant.send(given, 'POST', '/v3/pay/transactions/native', { body, signed: JSON.stringify(order) });
  const { data } = await merchant.control(given, 'GET', 'requests?limit=1');
  return { wrong: data[0], body, refused };
};

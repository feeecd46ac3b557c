//! The HTML. `maud` escapes every value.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use qrcode::{QrCode, render::svg};
use wechatpay_chain::model::{BeijingTime, refund_status};

use crate::{Order, OrderState, Refund, shop::TEAS};

const STYLE: &str = "
:root { color-scheme: light dark; font: 1.05rem/1.5 system-ui, sans-serif; }
body { max-width: 36rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: clamp(1.4rem, 6vw, 2rem); }
h2 { font-size: 1.25rem; }
header { display: flex; gap: 1rem; align-items: baseline; }
header strong { margin-right: auto; }
main > * + * { margin-top: 1rem; }
ul { list-style: none; padding: 0; }
li, .row { display: flex; gap: 1rem; align-items: center; padding: .5rem 0; flex-wrap: wrap; }
li > :last-child, .row > :last-child { margin-left: auto; }
button { font: inherit; padding: .5rem 1rem; border: 0; border-radius: .4rem; background: #07632f; color: #fff; cursor: pointer; }
button.second { background: #5a6270; }
input { font: inherit; width: 5rem; padding: .4rem; }
figure { margin: 0; text-align: center; }
figure svg { width: min(15rem, 100%); height: auto; background: #fff; padding: .5rem; border-radius: .4rem; }
.state { font-weight: 600; }
.note { opacity: .8; font-size: .9rem; }
code { overflow-wrap: anywhere; }
";

// Reloads the page once the order is no longer waiting.
const POLL: &str = "
setInterval(async () => {
  const response = await fetch(location.pathname + '/state');
  if (response.ok && await response.text() !== 'NEW') location.reload();
}, 2000);
";

fn page(title: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { strong { "Tea" } a href="/" { "Shop" } a href="/books" { "Books" } }
                main { h1 { (title) } (content) }
            }
        }
    }
}

/// A page with one sentence.
pub(crate) fn message(text: &str) -> Markup {
    page(
        "Sorry",
        &html! { p { (text) } p { a href="/" { "Back to the shop" } } },
    )
}

/// What can be bought.
pub(crate) fn teas(sandbox: bool) -> Markup {
    page(
        "A cup of tea?",
        &html! {
            ul {
                @for (index, (name, fen)) in TEAS.iter().enumerate() {
                    li {
                        span { (name) }
                        span { (yuan(*fen)) }
                        form method="post" action="/orders" {
                            input type="hidden" name="tea" value=(index);
                            button { "Buy" }
                        }
                    }
                }
            }
            @if sandbox {
                p.note { "This shop pays with the sandbox: no money moves." }
            }
        },
    )
}

/// An order: to be paid, or paid.
pub(crate) fn order(order: &Order, refunds: &[Refund], sandbox: bool) -> Markup {
    let number = &order.number;
    let refunded = refunds
        .iter()
        .filter(|refund| refund.state != refund_status::CLOSED);
    let left = order.total - refunded.map(|refund| refund.fen).sum::<i64>();
    page(
        &order.description,
        &html! {
            p.row {
                span { (yuan(order.total)) }
                span.state { (state(order.state)) }
            }
            @if order.state == OrderState::New {
                @if let Some(svg) = order.code_url.as_deref().and_then(code) {
                    figure {
                        (PreEscaped(svg))
                        figcaption { "Scan with WeChat" }
                    }
                }
                @if sandbox {
                    form method="post" action=(format!("/orders/{number}/pay")) {
                        button { "Pay, as the customer" }
                    }
                }
                script { (PreEscaped(POLL)) }
            }
            @if order.state == OrderState::Paid && left > 0 {
                form.row method="post" action=(format!("/orders/{number}/refund")) {
                    label { "Refund, in fen " input type="number" name="fen" min="1" max=(left) value=(left) required; }
                    button.second { "Refund" }
                }
            }
            @if !refunds.is_empty() {
                h2 { "Refunds" }
                ul {
                    @for refund in refunds {
                        li {
                            span { (yuan(refund.fen)) }
                            span.state { (refund.state) }
                            @if sandbox && refund.state == refund_status::PROCESSING {
                                form method="post" action=(format!("/orders/{number}/refunds/{}/arrive", refund.number)) {
                                    button.second { "Let it arrive" }
                                }
                            }
                        }
                    }
                }
            }
            p.note { "Order " code { (number) } }
            @if let Some(id) = &order.transaction_id {
                p.note { "WeChat Pay's number " code { (id) } }
            }
        },
    )
}

/// All orders, and the way to reconcile.
pub(crate) fn books(orders: &[Order], sandbox: bool) -> Markup {
    let today = BeijingTime::now().date();
    page(
        "Books",
        &html! {
            ul {
                @for order in orders {
                    li {
                        a href=(format!("/orders/{}", order.number)) { (order.description) }
                        span { (yuan(order.total)) }
                        span.state { (state(order.state)) }
                    }
                }
            }
            @if orders.is_empty() { p { "Nothing was ordered yet." } }
            h2 { "Reconcile" }
            @if sandbox {
                p.note { "The bill of a day exists on the next one. The button moves the sandbox's clock." }
                form method="post" action="/next-day" {
                    button.second { "Go to the next day" }
                }
            }
            p { a href=(format!("/books/{today}")) { "Compare " (today) " with WeChat Pay's bill" } }
        },
    )
}

/// What differs between the shop's orders and the bill.
pub(crate) fn reconciled(day: &str, differences: &[String]) -> Markup {
    page(
        &format!("Reconciled: {day}"),
        &html! {
            @if differences.is_empty() {
                p { "Every payment is here and in the bill." }
            } @else {
                ul { @for difference in differences { li { (difference) } } }
            }
            p { a href="/books" { "Back to the books" } }
        },
    )
}

fn state(state: OrderState) -> &'static str {
    match state {
        OrderState::New => "waiting",
        OrderState::Paid => "paid",
        OrderState::Closed => "closed",
    }
}

fn yuan(fen: i64) -> String {
    format!("¥{}.{:02}", fen / 100, fen % 100)
}

fn code(url: &str) -> Option<String> {
    let code = QrCode::new(url).ok()?;
    let svg = code
        .render::<svg::Color<'_>>()
        .min_dimensions(200, 200)
        .build();
    // An SVG inside HTML has no XML declaration.
    Some(
        svg.split_once("?>")
            .map_or(svg.clone(), |(_, svg)| svg.to_owned()),
    )
}

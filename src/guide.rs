//! How to do things with this crate, one topic per page.
//!
#![doc = include_str!("../docs/guide/rustdoc-links.md")]
#![doc = include_str!("../docs/guide/en/README.md")]

// The pages are read on a code host too, where the definitions at a page's end lead its links. Those of
// rustdoc-links.md stand before the page, and Markdown takes the first one: here a link leads to a page
// or an item, and rustdoc refuses one that leads nowhere. A page has outer docs, so that `errors` is
// looked up beside it and stays in its language. Its blocks are doctests only where the features that
// they use are on.
macro_rules! pages {
    ($folder:literal: $($name:ident $file:literal)*) => {$(
        #[cfg_attr(not(doctest), doc = include_str!("../docs/guide/rustdoc-links.md"))]
        #[cfg_attr(
            any(
                not(doctest),
                all(feature = "axum", feature = "documents", feature = "sandbox")
            ),
            doc = include_str!(concat!($folder, $file))
        )]
        pub mod $name {}
    )*};
}

// The pages of one language. Both have the same.
macro_rules! guide {
    ($folder:literal) => {
        pages! { $folder:
            apiv2 "apiv2.md"
            calls "calls.md"
            certificates "certificates.md"
            client "client.md"
            documents "documents.md"
            errors "errors.md"
            files "files.md"
            in_go "languages/go.md"
            in_java "languages/java.md"
            in_node "languages/node.md"
            in_php "languages/php.md"
            in_python "languages/python.md"
            logs "logs.md"
            notifications "notifications.md"
            other_crates "other-crates.md"
            papay "papay.md"
            pay_score "pay-score.md"
            payments "payments.md"
            php "php.md"
            production "production.md"
            profit_sharing "profit-sharing.md"
            questions "questions.md"
            reconciliation "reconciliation.md"
            refunds "refunds.md"
            sensitive_fields "sensitive-fields.md"
            service_providers "service-providers.md"
            testing "testing.md"
            threats "threats.md"
            transfers "transfers.md"
        }
    };
}

guide!("../docs/guide/en/");

pub mod zh {
    //! 使用指南，每个主题一页。
    //!
    #![doc = include_str!("../docs/guide/rustdoc-links.md")]
    #![doc = include_str!("../docs/guide/zh/README.md")]

    guide!("../docs/guide/zh/");
}

/// The READMEs' blocks, as doctests.
#[cfg(all(doctest, feature = "sandbox"))]
mod readme {
    #[doc = include_str!("../README.md")]
    mod english {}
    #[doc = include_str!("../README.zh-CN.md")]
    mod chinese {}
}

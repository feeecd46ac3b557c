//! The page that `wxpay sandbox` serves. It is the files beside this one, as they are: no build step.

use wechatpay_chain::sandbox::PageFile;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";
const TEXT: &str = "text/plain; charset=utf-8";

macro_rules! files {
    (page: $($name:literal $content_type:ident,)* snippets: $($snippet:literal,)*) => {
        /// All files of the page.
        pub(super) const FILES: &[PageFile] = &[
            PageFile::new("/", HTML, include_bytes!("index.html")),
            $(PageFile::new(
                concat!("/_sandbox/page/", $name),
                $content_type,
                include_bytes!($name),
            ),)*
            // The templates of `wxpay sandbox config`, which the page fills in as well.
            $(PageFile::new(
                concat!("/_sandbox/page/snippets/", $snippet),
                TEXT,
                include_bytes!(concat!("../snippets/", $snippet)),
            ),)*
        ];

        #[cfg(test)]
        const NAMES: &[&str] = &["index.html", $($name,)*];
    };
}

files! {
    page:
    "icon.svg" SVG,
    "style/base.css" CSS,
    "style/cashier.css" CSS,
    "style/exchange.css" CSS,
    "style/faults.css" CSS,
    "style/inspector.css" CSS,
    "style/money.css" CSS,
    "style/phone.css" CSS,
    "style/rows.css" CSS,
    "style/setup.css" CSS,
    "style/shell.css" CSS,
    "style/timeline.css" CSS,
    "style/widgets.css" CSS,
    "js/base/api.js" JS,
    "js/base/body.js" JS,
    "js/base/dom.js" JS,
    "js/base/json.js" JS,
    "js/base/live.js" JS,
    "js/base/rows.js" JS,
    "js/base/states.js" JS,
    "js/base/text.js" JS,
    "js/base/widgets.js" JS,
    "js/base/xml.js" JS,
    "js/cashier/acts.js" JS,
    "js/cashier/detail.js" JS,
    "js/cashier/item.js" JS,
    "js/cashier/lists.js" JS,
    "js/cashier/opens.js" JS,
    "js/cashier/qr.js" JS,
    "js/cashier/view.js" JS,
    "js/faults/clock.js" JS,
    "js/faults/fired.js" JS,
    "js/faults/form.js" JS,
    "js/faults/kinds.js" JS,
    "js/faults/view.js" JS,
    "js/main.js" JS,
    "js/money/chart.js" JS,
    "js/money/view.js" JS,
    "js/notifications/detail.js" JS,
    "js/notifications/holding.js" JS,
    "js/notifications/list.js" JS,
    "js/notifications/title.js" JS,
    "js/notifications/view.js" JS,
    "js/orders/steps.js" JS,
    "js/orders/timeline.js" JS,
    "js/orders/view.js" JS,
    "js/phone/code.js" JS,
    "js/phone/feed.js" JS,
    "js/phone/home.js" JS,
    "js/phone/item.js" JS,
    "js/phone/scan.js" JS,
    "js/phone/view.js" JS,
    "js/requests/bar.js" JS,
    "js/requests/copy/call.js" JS,
    "js/requests/copy/go.js" JS,
    "js/requests/copy/index.js" JS,
    "js/requests/copy/java.js" JS,
    "js/requests/copy/literal.js" JS,
    "js/requests/copy/node.js" JS,
    "js/requests/copy/php.js" JS,
    "js/requests/copy/python.js" JS,
    "js/requests/copy/rust.js" JS,
    "js/requests/copy/shell.js" JS,
    "js/requests/copying.js" JS,
    "js/requests/detail.js" JS,
    "js/requests/diff.js" JS,
    "js/requests/documents.js" JS,
    "js/requests/exchange.js" JS,
    "js/requests/filter.js" JS,
    "js/requests/list.js" JS,
    "js/requests/log.js" JS,
    "js/requests/signature.js" JS,
    "js/requests/view.js" JS,
    "js/setup/quote.js" JS,
    "js/setup/snippet.js" JS,
    "js/setup/view.js" JS,
    "js/theme.js" JS,
    "js/views.js" JS,
    snippets:
    "go.txt",
    "java.txt",
    "node.txt",
    "php.txt",
    "python.txt",
    "rust.txt",
}

#[cfg(test)]
mod tests {
    use std::{
        collections::{BTreeMap, BTreeSet},
        fs,
        path::{Path, PathBuf},
    };

    use super::*;

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/command/sandbox/page")
    }

    fn add_files(folder: &Path, below: &str, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{below}{}", entry.file_name().to_str().unwrap());
            match entry.file_type().unwrap().is_dir() {
                true => add_files(&entry.path(), &format!("{name}/"), found),
                false => drop(found.insert(name)),
            }
        }
    }

    #[test]
    fn all_files_of_the_folder_are_served() {
        let mut found = BTreeSet::new();
        add_files(&folder(), "", &mut found);
        found.remove("mod.rs");
        let served: BTreeSet<_> = NAMES.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(served, found);
    }

    #[test]
    fn page_is_small_and_loads_nothing_from_elsewhere() {
        let mut bytes = 0;
        for name in NAMES {
            let text = fs::read_to_string(folder().join(name)).unwrap();
            bytes += text.len();
            for elsewhere in [
                "src=\"http",
                "href=\"http",
                "url(http",
                "@import",
                "from \"http",
            ] {
                assert!(!text.contains(elsewhere), "{name} has {elsewhere}");
            }
        }
        assert!(bytes < 400 << 10, "{bytes} bytes");
    }

    /// What clients and receivers sent is shown: it must never be read as markup or code.
    #[test]
    fn scripts_make_no_markup_of_text() {
        for name in NAMES.iter().filter(|name| name.ends_with(".js")) {
            let text = fs::read_to_string(folder().join(name)).unwrap();
            for forbidden in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "DOMParser",
                "createContextualFragment",
                "srcdoc",
                "eval(",
                "new Function",
            ] {
                assert!(!text.contains(forbidden), "{name} has {forbidden}");
            }
        }
    }

    #[test]
    fn each_style_sheet_is_linked() {
        let index = fs::read_to_string(folder().join("index.html")).unwrap();
        for name in NAMES.iter().filter(|name| name.ends_with(".css")) {
            let link = format!("href=\"_sandbox/page/{name}\"");
            assert!(index.contains(&link), "{name}");
        }
    }

    /// All style sheets apply to all views: two meanings of a class would mix.
    #[test]
    fn each_class_is_defined_in_one_style_sheet() {
        let mut defined = BTreeMap::new();
        for name in NAMES.iter().filter(|name| name.ends_with(".css")) {
            let text = fs::read_to_string(folder().join(name)).unwrap();
            let rules = text
                .lines()
                .filter_map(|line| line.trim().strip_suffix(" {"));
            let is_class = |rule: &&str| {
                let class = rule.strip_prefix('.');
                class
                    .is_some_and(|class| class.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
            };
            for class in rules.filter(is_class) {
                let first = *defined.entry(class.to_owned()).or_insert(name);
                assert_eq!(first, name, "{class}");
            }
        }
        assert!(defined.len() > 100, "{}", defined.len());
    }
}

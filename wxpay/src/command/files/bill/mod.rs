//! `wxpay bill`: the bills of one or more days, downloaded in two steps and read row by row.

mod dates;
mod day;
mod print;
mod totals;

use std::{fs, path::PathBuf, time::Duration};

use clap::ValueEnum;
use serde_json::{Map, Value, json};
use wechatpay_chain::{Method, catalog};

use self::{
    day::{Day, Found},
    print::{Form, Printer},
    totals::Totals,
};
use crate::{
    command::call::{fields, send::interruptible},
    exit::{Failure, Result},
    output::Output,
    settings::Source,
    text::{reason, t, tf},
};

const TIMEOUT: Duration = Duration::from_secs(30 * 60);

#[derive(Debug, clap::Args)]
#[command(after_help = t(
    "Without --out, the rows are printed: as a table on a terminal, otherwise as CSV; with --json, one line of JSON for each:\n  \
     {\"date\", \"row\"}, then {\"date\", \"rows\", \"summary\"} for each day, and {\"totals\"} at the end.\n\
     A day without a bill is reported, and is not an error. The hash of each file is checked.\n\n\
     Examples:\n  \
     wxpay bill trade 2025-11-20\n  \
     wxpay bill trade 2025-11-01 2025-11-30 --out bills -f bill_type=SUCCESS\n  \
     wxpay bill fundflow 2025-11-20 -f account_type=OPERATION --csv > fundflow.csv\n  \
     wxpay bill trade 2025-11-20 --json | jq -r 'select(.row).row[\"商户订单号\"]'",
    "没有 --out 时输出账单明细: 终端上为表格, 否则为CSV; --json 时每行一个JSON:\n  \
     {\"date\", \"row\"}, 每天一个 {\"date\", \"rows\", \"summary\"}, 最后为 {\"totals\"}。\n\
     某天没有账单时会提示, 不算错误。每个文件都会校验哈希值。\n\n\
     示例:\n  \
     wxpay bill trade 2025-11-20\n  \
     wxpay bill trade 2025-11-01 2025-11-30 --out bills -f bill_type=SUCCESS\n  \
     wxpay bill fundflow 2025-11-20 -f account_type=OPERATION --csv > fundflow.csv\n  \
     wxpay bill trade 2025-11-20 --json | jq -r 'select(.row).row[\"商户订单号\"]'",
))]
pub(crate) struct Args {
    #[arg(value_name = "KIND", hide_possible_values = true, help = t("trade, fundflow or sharing", "trade (交易账单), fundflow (资金账单) 或 sharing (分账账单)"))]
    kind: Kind,

    #[arg(value_name = "DATE", help = t("Day of the bill, Beijing time, such as 2025-11-20, or yesterday", "账单日期 (北京时间), 如 2025-11-20, 或 yesterday (昨天)"))]
    date: String,

    #[arg(value_name = "TO", help = t("Last day, if there are several", "多天时的最后一天"))]
    to: Option<String>,

    #[arg(short, long, value_name = "DIR", help = t("Keep the files in this folder as WeChat Pay writes them, such as trade-2025-11-20.csv",
        "将账单原文保存到该目录, 如 trade-2025-11-20.csv"))]
    out: Option<PathBuf>,

    #[arg(long, requires = "out", help = t("Replace files that exist", "覆盖已有文件"))]
    force: bool,

    #[arg(long, conflicts_with_all = ["out", "json"], help = t("Print CSV in UTF-8, without the backticks of the file", "输出UTF-8编码的CSV, 去掉原文中的反引号"))]
    csv: bool,

    #[arg(short, long = "field", value_name = "KEY=VALUE", help = t("Documented field of the query, such as bill_type=REFUND",
        "文档中的查询参数, 如 bill_type=REFUND"))]
    fields: Vec<String>,

    #[command(flatten)]
    source: Source,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Trade,
    #[value(alias = "fund-flow")]
    Fundflow,
    Sharing,
}

impl Kind {
    fn path(self) -> &'static str {
        match self {
            Self::Trade => "v3/bill/tradebill",
            Self::Fundflow => "v3/bill/fundflowbill",
            Self::Sharing => "v3/profitsharing/bills",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Trade => "trade",
            Self::Fundflow => "fundflow",
            Self::Sharing => "sharing",
        }
    }
}

pub(crate) fn run(args: Args, output: &Output) -> Result {
    let dates = dates::days(&args.date, args.to.as_deref())?;
    let query = query(&args)?;
    let days: Vec<_> = dates
        .into_iter()
        .map(|date| Day::new(args.kind, date, &query, args.out.as_deref()))
        .collect();
    if let Some(folder) = &args.out {
        prepare(folder, &days, args.force)?;
    }
    let (client, settings) = args.source.client()?;
    // A bill may be large; the client's own timeout is for calls.
    let timeout = settings.timeout.is_none().then_some(TIMEOUT);
    let mut printer = Printer::new(form(&args, output), output);
    let (mut totals, mut broken) = (Totals::default(), 0);
    let work = async {
        for day in &days {
            match day
                .process(&client, timeout, &mut printer, &mut totals, output)
                .await?
            {
                Found::Bill { unread } => broken += unread,
                Found::Nothing => {}
                // Nobody reads the output any more, as after `head`.
                Found::Unheard => return Ok(()),
            }
        }
        finish(&mut printer, &totals, days.len(), output);
        Ok(())
    };
    let done: Result = interruptible(true, work)?;
    done?;
    match broken {
        0 => Ok(()),
        _ => Err(Failure::local(tf!(
            "rows that could not be read: {broken}; the file as WeChat Pay wrote it has them, and --out keeps it",
            "有 {broken} 行无法读取; 账单原文中有这些行: 可用 --out 保存"
        ))),
    }
}

fn form(args: &Args, output: &Output) -> Form {
    match () {
        () if args.out.is_some() => Form::Files,
        () if output.is_json() => Form::Lines,
        () if args.csv || !output.is_for_people() => Form::Csv,
        () => Form::Table,
    }
}

/// Returns the query without the date.
fn query(args: &Args) -> Result<Map<String, Value>> {
    let path = args.kind.path();
    let operation = catalog::find(&Method::GET, path);
    let mut map = Map::new();
    for field in &args.fields {
        fields::add(&mut map, field, path, operation)?;
    }
    let mut query = match map.remove("query") {
        Some(Value::Object(query)) => query,
        _ => Map::new(),
    };
    if let Some(other) = map.keys().next() {
        return Err(Failure::usage(tf!(
            "{other}: a bill has query parameters only",
            "{other}: 账单接口只有查询参数"
        )));
    }
    query.entry("tar_type").or_insert_with(|| "GZIP".into());
    Ok(query)
}

/// Creates the folder. Nothing is sent if a file would have to be replaced.
fn prepare(folder: &std::path::Path, days: &[Day], force: bool) -> Result {
    fs::create_dir_all(folder).map_err(|err| {
        let (folder, why) = (folder.display(), reason(&err));
        Failure::local(tf!(
            "cannot create {folder}: {why}",
            "无法创建 {folder}: {why}"
        ))
    })?;
    let mut files = days.iter().filter_map(|day| day.path.as_deref());
    match files.find(|path| !force && path.symlink_metadata().is_ok()) {
        None => Ok(()),
        Some(path) => {
            let path = path.display();
            Err(Failure::local(tf!(
                "{path} exists; --force replaces it",
                "{path} 已存在; --force 可覆盖"
            )))
        }
    }
}

/// Prints the sums over all days.
fn finish(printer: &mut Printer<'_>, totals: &Totals, days: usize, output: &Output) {
    let value = json!({ "totals": totals.json(), "days": days, "rows": totals.rows });
    // Nobody may read it any more.
    let _ = printer.line(&value).and_then(|()| printer.flush());
    if output.is_json() || totals.is_empty() {
        return;
    }
    if output.is_for_people() {
        let head = [
            t("Total", "合计"),
            t("Count or yuan", "笔数或金额 (元)"),
            t("Fen", "分"),
        ];
        output.table(&head, &totals.cells());
        return;
    }
    for cells in totals.cells() {
        output.note(match &cells[..] {
            [name, yuan, fen] if !fen.is_empty() => tf!(
                "{name}: {yuan} yuan, {fen} fen",
                "{name}: {yuan} 元, {fen} 分"
            ),
            cells => cells.join(" ").trim_end().replacen(' ', ": ", 1),
        });
    }
}

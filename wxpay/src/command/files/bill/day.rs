//! One day's bill: downloaded into a file, read, printed and counted.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Map, Value, json};
use wechatpay_chain::{BillRows, Client, Options, Response, SinkFile, model::BeijingTime};

use super::{
    Kind,
    print::{Printer, object},
    totals::Totals,
};
use crate::{
    command::files::{progress::Progress, temporary::Temporary},
    exit::{Exit, Failure, Result},
    input::unreadable,
    output::{Output, Style},
    text::{t, tf},
};

/// How many rows are read between two looks at Ctrl-C.
const BETWEEN: u64 = 1000;

/// How many rows of a day that cannot be read are reported one by one.
const WARNINGS: u64 = 10;

/// What WeChat Pay says if nothing happened on a day.
const NO_STATEMENT: &str = "NO_STATEMENT_EXIST";

pub(super) struct Day {
    kind: Kind,
    date: String,
    query: Map<String, Value>,
    /// Where the file is kept.
    pub(super) path: Option<PathBuf>,
}

/// What there was.
pub(super) enum Found {
    Bill { unread: u64 },
    Nothing,
    Unheard,
}

impl Day {
    pub(super) fn new(
        kind: Kind,
        date: String,
        query: &Map<String, Value>,
        folder: Option<&Path>,
    ) -> Self {
        let path = folder.map(|folder| folder.join(file_name(kind, &date, query)));
        let mut query = query.clone();
        query.insert("bill_date".to_owned(), date.as_str().into());
        Self {
            kind,
            date,
            query,
            path,
        }
    }

    pub(super) async fn process(
        &self,
        client: &Client,
        timeout: Option<Duration>,
        printer: &mut Printer<'_>,
        totals: &mut Totals,
        output: &Output,
    ) -> Result<Found> {
        let (path, _temporary) = match &self.path {
            Some(path) => (path.clone(), None),
            None => {
                let folder = Temporary::new()?;
                (folder.0.join("bill"), Some(folder))
            }
        };
        let Some(response) = self.download(client, timeout, &path, output).await? else {
            let date = &self.date;
            output.note(tf!(
                "{date}: no bill, nothing happened on that day",
                "{date}: 没有账单, 当天没有发生业务"
            ));
            let said = printer
                .line(&json!({ "date": date, "rows": 0, "summary": null }))
                .and_then(|()| printer.end());
            return heard(said, || Found::Nothing);
        };
        if !response.verification().is_verified() {
            let date = &self.date;
            output.warn(tf!(
                "{date}: the response named no hash, so the file is not checked",
                "{date}: 应答中没有哈希值, 文件未校验"
            ));
        }
        self.read(&path, &response, printer, totals, output).await
    }

    /// Returns `None` if there is no bill.
    async fn download(
        &self,
        client: &Client,
        timeout: Option<Duration>,
        path: &Path,
        output: &Output,
    ) -> Result<Option<Response>> {
        let progress = Progress::new(self.date.clone(), output);
        let mut options = Options::new().query(&self.query).sink(path);
        if let Some(timeout) = timeout {
            options = options.timeout(timeout);
        }
        let call = client
            .chain(self.kind.path())
            .download_async(progress.of(options));
        match call.await {
            Ok(response) => Ok(Some(response)),
            Err(err) if err.api().is_some_and(|api| api.code() == NO_STATEMENT) => Ok(None),
            Err(err) => Err(self.explained(err.into())),
        }
    }

    /// Names the day, and says when a bill is there.
    fn explained(&self, mut failure: Failure) -> Failure {
        failure.message = format!("{}: {}", self.date, failure.message);
        let is_past = self.date < BeijingTime::now().date();
        match failure.exit {
            Exit::Rejected if !is_past => failure.with_advice(t(
                "A day's bill is there from 10:00 of the next day.",
                "账单于次日10点后可下载。",
            )),
            // The file that would have been kept is the only thing that failed.
            Exit::Done | Exit::Unknown => failure.with_advice(t(
                "Nothing was changed: download the bill again.",
                "没有任何更改: 请重新下载账单。",
            )),
            _ => failure,
        }
    }

    async fn read(
        &self,
        path: &Path,
        response: &Response,
        printer: &mut Printer<'_>,
        totals: &mut Totals,
        output: &Output,
    ) -> Result<Found> {
        let date = &self.date;
        let file =
            File::open(path).map_err(|err| Failure::local(unreadable(path.display(), err)))?;
        let bytes = file.metadata().map_or(0, |metadata| metadata.len());
        let mut bill = BillRows::new(file).map_err(|err| self.explained(err.into()))?;
        let columns = bill.columns().map(str::to_owned).collect();
        let mut written = printer.begin(columns);
        let (mut rows, mut unread) = (0, 0);
        for row in bill.by_ref() {
            match row {
                Ok(row) => written = written.and_then(|()| printer.row(date, &row)),
                Err(err) => {
                    unread += 1;
                    if unread <= WARNINGS {
                        output.warn(format!("{date}: {}", Failure::from(err).message));
                    }
                }
            }
            rows += 1;
            if written.is_err() {
                return heard(written, || Found::Nothing);
            }
            if rows % BETWEEN == 0 {
                tokio::task::yield_now().await;
            }
        }
        let summary = bill.summary();
        match summary {
            Some(summary) => {
                if let Some(column) = totals.add(summary) {
                    output.warn(tf!(
                        "{date}: the summary's {column} is not a number",
                        "{date}: 汇总中的 {column} 不是数字"
                    ));
                }
            }
            None => output.warn(tf!(
                "{date}: the bill has no summary: it may be truncated",
                "{date}: 账单没有汇总行, 可能不完整"
            )),
        }
        totals.rows += rows;
        let mut value = json!({ "date": date, "rows": rows, "summary": summary.map(object) });
        if let Some(path) = &self.path {
            value["file"] = path.display().to_string().into();
            value["bytes"] = bytes.into();
            value["sha1"] = response.file().map(SinkFile::sha1).into();
        }
        let said = printer.line(&value).and_then(|()| printer.end());
        match &self.path {
            Some(path) if output.is_for_people() => {
                let path = path.display();
                output.line(tf!(
                    "{date}  {rows} rows  {bytes} bytes  {path}",
                    "{date}  {rows} 行  {bytes} 字节  {path}"
                ));
            }
            Some(path) if !output.is_json() => {
                output.line(format!("{date}\t{rows}\t{bytes}\t{}", path.display()));
            }
            _ => output.note(Style::Faint.paint(tf!("{date}: {rows} rows", "{date}: {rows} 行"))),
        }
        if printer.hidden > 0 {
            let hidden = printer.hidden;
            output.note(tf!(
                "{hidden} more rows: --csv or --json prints all of them",
                "还有 {hidden} 行: --csv 或 --json 输出全部"
            ));
        }
        heard(said, || Found::Bill { unread })
    }
}

/// A closed pipe ends the command without an error.
fn heard(written: io::Result<()>, found: impl FnOnce() -> Found) -> Result<Found> {
    match written {
        Ok(()) => Ok(found()),
        Err(err) if err.kind() == io::ErrorKind::BrokenPipe => Ok(Found::Unheard),
        Err(err) => Err(Failure::local(tf!(
            "cannot write the output: {err}",
            "无法写入输出: {err}"
        ))),
    }
}

/// Returns the name of a file: two bills of a day that differ in the query have different names.
fn file_name(kind: Kind, date: &str, query: &Map<String, Value>) -> String {
    let mut name = kind.name().to_owned();
    let chosen = query.iter().filter(|(field, _)| *field != "tar_type");
    for value in chosen.filter_map(|(_, value)| value.as_str()) {
        let plain = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        name.push('-');
        name.extend(value.chars().filter(plain));
    }
    format!("{name}-{date}.csv")
}

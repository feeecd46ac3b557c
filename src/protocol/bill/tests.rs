//! Bills of every kind, complete, truncated and hostile.

use std::io::{self, Read};

use proptest::prelude::*;

use super::*;

const TRADE: &str = "\u{feff}交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\r
`2025-11-20 16:33:45,`wxd678efh567hg6787,`1900000109,`0,`,`4200000000000000000000000001,`N0001,`oUpF8uMuAJO_M2pxb1Q9zNjWeS6o,`NATIVE,`SUCCESS,`OTHERS,`CNY,`0.29,`0.00,`0,`0,`0.00,`0.00,`,`,`茶, 一杯,\"热\",`{\"a\":1,\"b\":2},`0.00000,`0.60%,`0.29,`0.00,`\r
`2025-11-20 16:46:14,`wxd678efh567hg6787,`1900000109,`0,`,`4200000000000000000000000002,`N0002,`oUpF8uMuAJO_M2pxb1Q9zNjWeS6o,`NATIVE,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`5030,`R0002,`12.30,`0.00,`ORIGINAL,`SUCCESS,`咖啡,`,`-0.07000,`0.60%,`0.00,`12.30,`\r
总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r
`2,`0.29,`12.30,`0.00,`-0.07000,`0.29,`12.30\r
";

const FUND_FLOW: &str = "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号
`2025-11-20 04:21:23,`5000000001,`1900000001,`退款,`退款,`支出,`0.02,`0.17,`system,`缺货,`REF4200000001
资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额
`20.0,`17.0,`0.35,`3.0,`0.18
";

fn all(bill: &str) -> Result<(Vec<BillRow>, Option<BillRow>)> {
    let mut rows = BillRows::new(bill.as_bytes())?;
    let read = rows.by_ref().collect::<Result<Vec<_>>>()?;
    assert!(rows.next().is_none());
    Ok((read, rows.summary().cloned()))
}

#[test]
fn trade_bill_is_read() {
    let (rows, summary) = all(TRADE).unwrap();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row.len() == 27));
    assert_eq!(rows[0].get("交易时间"), Some("2025-11-20 16:33:45"));
    assert_eq!(rows[0].get("商品名称"), Some("茶, 一杯,\"热\""));
    assert_eq!(rows[0].get("商户数据包"), Some("{\"a\":1,\"b\":2}"));
    assert_eq!(rows[0].get("费率备注"), Some(""));
    assert_eq!(rows[0].fen("应结订单金额").unwrap(), 29);
    assert_eq!(rows[1].fen("手续费").unwrap(), -7);
    assert_eq!(rows[1].fen("申请退款金额").unwrap(), 1230);
    assert_eq!((rows[0].line(), rows[1].line()), (2, 3));
    let summary = summary.unwrap();
    assert_eq!(summary.count("总交易单数").unwrap(), 2);
    assert_eq!(summary.fen("退款总金额").unwrap(), 1230);
    assert_eq!(summary.iter().count(), 7);
    assert_eq!(summary.line(), 5);
}

#[test]
fn fund_flow_bill_is_read() {
    let (rows, summary) = all(FUND_FLOW).unwrap();
    assert_eq!(rows[0].fen("账户结余(元)").unwrap(), 17);
    assert_eq!(rows[0].iter().last(), Some(("业务凭证号", "REF4200000001")));
    let summary = summary.unwrap();
    assert_eq!(summary.count("资金流水总笔数").unwrap(), 20);
    assert_eq!(summary.fen("支出金额").unwrap(), 18);
}

#[test]
fn blank_lines_spaces_and_trailing_commas_are_ignored() {
    let bill =
        "\u{feff}\r\n\n 商户订单号 , 金额,,\r\n\r\n`a,`1.00,,\r\n`b,,`2.00,\n`c,,,\nn,\n`3.0,";
    let (rows, summary) = all(bill).unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(
        (rows[0].get("商户订单号"), rows[0].fen("金额").unwrap()),
        (Some("a"), 100)
    );
    assert_eq!(
        (rows[1].get("商户订单号"), rows[1].fen("金额").unwrap()),
        (Some("b,"), 200)
    );
    // A spreadsheet fills a row up with commas, as far as it does the line of names.
    assert_eq!((rows[2].len(), rows[2].get("金额")), (2, Some("")));
    assert_eq!(summary.unwrap().count("n").unwrap(), 3);
}

#[test]
fn bill_without_rows_has_a_summary() {
    let (rows, summary) = all("a,b\nn,m\n`0,`0.00\n").unwrap();
    assert!(rows.is_empty());
    assert_eq!(summary.unwrap().fen("m").unwrap(), 0);
    let (rows, summary) = all("a,b\n`1,`2\n").unwrap();
    assert_eq!((rows.len(), summary.is_none()), (1, true));
}

#[test]
fn ambiguous_bill_is_an_error_that_names_the_line() {
    for (bill, error) in [
        ("", "the bill is empty"),
        ("\r\n\n", "the bill is empty"),
        (
            "<xml><return_code>FAIL</return_code></xml>",
            "expected a bill, found XML or JSON",
        ),
        (
            "{\"code\":\"NO_STATEMENT_EXIST\"}",
            "expected a bill, found XML or JSON",
        ),
        ("`1,`2\n", "does not begin with a line of column names"),
        (
            "a,b\n`1,`2,`3\n",
            "line 2 of the bill has 3 values for 2 columns",
        ),
        ("a,b\n`x,`y,`1.00\n", "the columns are ambiguous"),
        (
            "a,b\n`1,`2\nn,m\n",
            "line 3 of the bill names columns, but no row follows",
        ),
        (
            "a,b\n\n1,2\n",
            "line 3 of the bill names columns, but no row follows",
        ),
        ("a,b\n1,2\n3,4\n", "line 2 of the bill is neither a row"),
        (
            "a,b\n`1,`2\nn\n`1\n`2\n",
            "line 5 of the bill is after its summary",
        ),
        ("a,b\n`1\n", "line 2 of the bill has 1 values for 2 columns"),
        (
            "a,b\n`1",
            "the bill is truncated in line 2: 1 values for 2 columns",
        ),
        (
            "a,b\n`1,`2\nn,m\n`1\n",
            "line 4 of the bill has 1 values for 2 columns",
        ),
        (
            "a,b\n`1,`2\nn\n`1\nn\n",
            "line 5 of the bill is after its summary",
        ),
        (
            "a\nn\n`1,`2\n",
            "line 3 of the bill has 2 values for 1 columns",
        ),
    ] {
        let err = all(bill).unwrap_err();
        assert!(err.is_decode(), "{bill}: {err}");
        assert!(err.to_string().contains(error), "{bill}: {err}");
    }
    let err = all_bytes(&[0x1f, 0x8b, 8, 0]).unwrap_err();
    assert!(err.to_string().contains("gzip"), "{err}");
    let err = all_bytes(b"a\n`1\n`\xff\n").unwrap_err();
    assert_eq!(err.to_string(), "line 3 of the bill is not UTF-8");
}

fn all_bytes(bill: &[u8]) -> Result<Vec<BillRow>> {
    BillRows::new(bill)?.collect()
}

#[test]
fn truncated_bill_is_an_error_or_has_no_summary() {
    let whole = all(FUND_FLOW).unwrap();
    assert!(whole.1.is_some());
    let end = FUND_FLOW.trim_end().rfind('`').unwrap();
    for cut in (0..end).filter(|cut| FUND_FLOW.is_char_boundary(*cut)) {
        if let Ok((rows, summary)) = all(&FUND_FLOW[..cut]) {
            assert!(summary.is_none(), "{cut}");
            assert!(rows.iter().all(|row| row.len() == 11), "{cut}");
        }
    }
}

#[test]
fn fatal_error_ends_the_rows_without_a_summary() {
    let mut rows = BillRows::new("a,b\n`1,`2\nn\n`1\n`2\n".as_bytes()).unwrap();
    assert!(rows.next().unwrap().is_ok());
    assert!(rows.next().unwrap().is_err());
    assert!(rows.next().is_none());
    assert!(rows.summary().is_none());
}

#[test]
fn errors_name_the_column_and_not_the_value() {
    let (rows, _) = all("标识,金额,备注\n`oUpF8uMuAJO,`1.005,`\n").unwrap();
    for (err, text) in [
        (
            rows[0].fen("金额"),
            "invalid `金额` in line 2 of the bill (5 bytes): expected an amount in whole fen",
        ),
        (
            rows[0].fen("标识"),
            "invalid `标识` in line 2 of the bill (11 bytes): expected an amount in whole fen",
        ),
        (
            rows[0].fen("备注"),
            "invalid `备注` in line 2 of the bill (0 bytes): expected an amount in whole fen",
        ),
        (
            rows[0].fen("费用"),
            "line 2 of the bill has no column `费用`; it has 标识, 金额, 备注",
        ),
        (
            rows[0].count("金额").map(|_| 0),
            "invalid `金额` in line 2 of the bill (5 bytes): expected a count",
        ),
    ] {
        assert_eq!(err.unwrap_err().to_string(), text);
    }
    assert_eq!(
        format!("{:?}", rows[0]),
        "BillRow { line: 2, values: 3, .. }"
    );
}

#[test]
fn endless_line_is_refused() {
    let reader = "a,b\n`".as_bytes().chain(io::repeat(b'x'));
    let mut rows = BillRows::new(reader).unwrap();
    let err = rows.next().unwrap().unwrap_err();
    assert!(err.is_too_large());
    assert_eq!(
        err.to_string(),
        "line 2 of the bill is longer than 65536 bytes"
    );
    // The search for the next line is limited, too.
    let err = rows.next().unwrap().unwrap_err();
    assert!(err.is_too_large() && err.to_string().contains("without a line break"));
    assert!(rows.next().is_none());
}

#[test]
fn read_error_is_the_source() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk"))
        }
    }
    let mut rows = BillRows::new("a\n`1\n".as_bytes().chain(Failing)).unwrap();
    assert!(rows.next().unwrap().is_ok());
    let err = rows.next().unwrap().unwrap_err();
    assert!(err.is_file());
    assert_eq!(err.to_string(), "cannot read line 3 of the bill");
    assert!(rows.next().is_none());
}

proptest! {
    #[test]
    fn random_bytes_do_not_panic(bill in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = all_bytes(&bill);
    }

    #[test]
    fn random_bills_do_not_panic(bill in "(a|金额|,|`|\r|\n|\n`|,`|1.00|-|\u{feff}| ){0,60}") {
        let Ok(rows) = BillRows::new(bill.as_bytes()) else {
            return Ok(());
        };
        let columns = rows.columns().count();
        for row in rows.flatten() {
            prop_assert!(row.iter().count() == row.len());
            prop_assert!(row.len() == columns);
            let _ = (row.fen("a"), row.count("金额"), row.get(""));
        }
    }

    #[test]
    fn written_bill_is_read_back(
        rows in prop::collection::vec(("[^`\r\n]{0,9}", any::<i32>(), "[^`,\r\n]{0,9}[^`,\\s]"), 0..9)
    ) {
        let mut bill = "名称,金额,备注\r\n".to_owned();
        for (name, fen, note) in &rows {
            let sign = if *fen < 0 { "-" } else { "" };
            let (yuan, rest) = (fen.unsigned_abs() / 100, fen.unsigned_abs() % 100);
            bill += &format!("`{name},`{sign}{yuan}.{rest:02},`{note}\r\n");
        }
        bill += &format!("笔数\r\n`{}\r\n", rows.len());
        let (read, summary) = all(&bill).unwrap();
        prop_assert_eq!(summary.unwrap().count("笔数").unwrap(), rows.len() as u64);
        prop_assert_eq!(read.len(), rows.len());
        for (row, (name, fen, note)) in read.iter().zip(&rows) {
            prop_assert_eq!(row.get("名称"), Some(name.as_str()));
            prop_assert_eq!(row.fen("金额").unwrap(), i64::from(*fen));
            prop_assert_eq!(row.get("备注"), Some(note.as_str()));
        }
    }
}

const USE_FLOW: &str = "\
批次id,优惠id,优惠类型,优惠金额（元）,订单总金额（元）,交易类型,支付单号,消耗时间,消耗商户号,设备号,银行流水号,单品信息
";
const FLOW: &str = "`15300005,`18180000032,`全场代金券,`1.00,`2.00,`支付,`4200000000202011270000000999,`2020-11-27 16:23:05,`1900000109";

/// The result of a row: its values, or the line that its error names.
type RowResult = Result<Vec<String>, u64>;

/// Returns the result of each row, and the values of the summary.
fn outcomes(bill: &str) -> (Vec<RowResult>, Option<Vec<String>>) {
    let values = |row: &BillRow| row.iter().map(|(_, value)| value.to_owned()).collect();
    let mut rows = BillRows::new(bill.as_bytes()).unwrap();
    let read = rows.by_ref().map(|row| match row {
        Ok(row) => Ok(values(&row)),
        Err(err) => {
            assert!(err.is_decode() || err.is_too_large(), "{err}");
            let text = err.to_string();
            let (_, line) = text.split_once("line ").unwrap();
            let digits = line.find(|c: char| !c.is_ascii_digit()).unwrap();
            Err(line[..digits].parse().unwrap())
        }
    });
    let read = read.collect();
    (read, rows.summary().map(values))
}

fn row<const N: usize>(values: [&str; N]) -> RowResult {
    Ok(values.map(str::to_owned).to_vec())
}

#[test]
fn use_flow_file_is_read() {
    for (tail, values) in [
        (r#""1000000000","","""#, ["1000000000", "", ""]),
        (r#""","","""#, ["", "", ""]),
        // Text typed by a customer: a comma, a line break, a backtick, and all of them.
        (r#""a,b","c`d","e,`f""#, ["a,b", "c`d", "e,`f"]),
        ("\"a\nb\",\"c\r\nd\",\"\"", ["a\nb", "c\r\nd", ""]),
        (
            "\"a\n`b,`c\",\"\n\n\",\",\n`\"",
            ["a\n`b,`c", "\n\n", ",\n`"],
        ),
        // A quote is doubled, or is where it cannot be anything else.
        (
            r#""a""b","""","[{""x"":1}]""#,
            [r#"a"b"#, r#"""#, r#"[{"x":1}]"#],
        ),
        (r#""a","b","{"x":1}""#, ["a", "b", r#"{"x":1}"#]),
        (",,", ["", "", ""]),
    ] {
        let last = format!("{FLOW},\"x\",\"y\",\"z\"\n");
        let bill = format!("{USE_FLOW}{FLOW},{tail}\n{last}总条数\n`2\n");
        let (rows, summary) = outcomes(&bill);
        assert_eq!(rows.len(), 2, "{tail}: {rows:?}");
        let first = rows[0].as_ref().unwrap();
        assert_eq!(
            (first[3].as_str(), first[8].as_str()),
            ("1.00", "1900000109")
        );
        assert_eq!(first[9..], values, "{tail}");
        assert_eq!(rows[1].as_ref().unwrap()[9..], ["x", "y", "z"]);
        assert_eq!(summary.unwrap(), ["2"]);
    }
}

#[test]
fn ambiguous_use_flow_row_is_an_error_of_that_row() {
    for tail in [
        "",
        r#","a","b""#,
        r#","a","b","c","d""#,
        r#","a","b","c",`d"#,
        r#",`a,"b","c""#,
        r#","a","b",c"#,
        r#","a",b,"c""#,
        r#","a","b","c"#,
        // The end of the second value is ambiguous.
        r#","a","{"x","y"}","c""#,
        ",1000000000,,",
    ] {
        let good = format!("{FLOW},\"x\",\"y\",\"z\"\n");
        // Before anything is known about the file, and afterwards.
        for (bill, bad) in [
            (
                // With ten backticks in the first row, it would be a different kind of file.
                format!(
                    "{USE_FLOW}{FLOW}{}\n{good}{good}总条数\n`3\n",
                    tail.replace(",`a", "")
                ),
                0,
            ),
            (
                format!("{USE_FLOW}{good}{FLOW}{tail}\n{good}总条数\n`3\n"),
                1,
            ),
            (
                format!("{USE_FLOW}{good}{good}{FLOW}{tail}\n总条数\n`3\n"),
                2,
            ),
        ] {
            let (rows, summary) = outcomes(&bill);
            assert_eq!(rows.len(), 3, "{tail}: {rows:?}");
            for (at, row) in rows.iter().enumerate() {
                match row {
                    Ok(row) => assert_eq!(
                        (at == bad, &row[9..]),
                        (false, &["x", "y", "z"].map(str::to_owned)[..]),
                        "{tail}"
                    ),
                    Err(line) => assert_eq!((at, *line), (bad, bad as u64 + 2), "{tail}"),
                }
            }
            assert_eq!(summary.unwrap(), ["3"]);
        }
    }
}

#[test]
fn row_with_wrong_length_is_an_error_of_that_row() {
    let bill = "a,b,c\n`1,`2,`3\n`1,`2\n`1\n`1,`2,`3,`4\n`4,`5,`6\nn\n`5\n";
    let (rows, summary) = outcomes(bill);
    let good = [row(["1", "2", "3"]), row(["4", "5", "6"])];
    let [first, last] = good;
    assert_eq!(rows, [first, Err(3), Err(4), Err(5), last]);
    assert_eq!(summary.unwrap(), ["5"]);
}

#[test]
fn trade_bill_treats_quotes_as_text() {
    let short = TRADE.replace("`0.60%,`0.29,`0.00,`\r", "`0.60%,`0.29,`茶,\"热\"\r");
    let (rows, summary) = outcomes(&short);
    assert_eq!((rows.len(), &rows[0]), (2, &Err(2)));
    assert!(rows[1].is_ok() && summary.is_some());
    // The same holds for any other bill after its first row.
    let (rows, _) = outcomes("a,b,c\n`1,`2,`3\n`1,`x,\"y\"\n`1,`2,`x,\"y\"\n");
    assert_eq!(rows[1..], [Err(3), row(["1", "2", "x,\"y\""])]);
}

#[test]
fn line_break_inside_a_value_belongs_to_it() {
    for (text, value) in [
        ("茶\n一杯", "茶\n一杯"),
        ("茶\r\n一杯", "茶\r\n一杯"),
        ("茶\n\n一杯", "茶\n\n一杯"),
        ("茶\n", "茶\n"),
        ("a,b\nc,d\ne", "a,b\nc,d\ne"),
        ("茶`一`杯", "茶`一`杯"),
        ("`", "`"),
    ] {
        let bill = format!("a,b,c\n`1,`{text},`3\n`4,`5,`6\nn,m\n`7,`8\n");
        let (rows, summary) = outcomes(&bill);
        assert_eq!(
            rows,
            [row(["1", value, "3"]), row(["4", "5", "6"])],
            "{text:?}"
        );
        assert_eq!(summary.unwrap(), ["7", "8"]);
    }
    // In the last column as well, where the next line could begin the summary.
    let (rows, summary) = outcomes("a,b\n`1,`x\ny\n`2,`z\nw, v\nn\n`2\n");
    assert_eq!(rows, [row(["1", "x\ny"]), row(["2", "z\nw, v"])]);
    assert_eq!(summary.unwrap(), ["2"]);
}

#[test]
fn line_that_begins_like_a_row_is_one_if_possible() {
    // Rows begin with a time, and this line does not.
    let timed = "交易时间,商品名称,金额\n`2025-11-20 10:00:00,`茶\n`一杯,`1.00\n`2025-11-20 10:00:01,`a,`2.00\n笔数\n`2\n";
    let (rows, summary) = outcomes(timed);
    assert_eq!(rows[0], row(["2025-11-20 10:00:00", "茶\n`一杯", "1.00"]));
    assert_eq!((rows.len(), summary.unwrap()), (2, vec!["2".to_owned()]));
    // Both lines could be short rows.
    let (rows, _) = outcomes("a,b,c\n`1,`x\n`y,`3\n`4,`5,`6\n");
    assert_eq!(rows, [Err(2), Err(3), row(["4", "5", "6"])]);
    // A row and the summary's values are not combined into one row.
    let cut = "交易时间,b,c\n`2025-11-20 10:00:00,`x\nn,m\n`1,`2\n";
    let (rows, summary) = outcomes(cut);
    assert_eq!(
        (rows, summary.unwrap()),
        (vec![Err(2)], vec!["1".to_owned(), "2".into()])
    );
    // Unterminated quotes do not consume other rows.
    let (rows, _) = outcomes("a,b,c\n`1,`2,\"x\n`3,`4,\"y\"\n`5,`6,\"z\"\n");
    assert_eq!(rows, [Err(2), row(["3", "4", "y"]), row(["5", "6", "z"])]);
}

#[test]
fn invalid_line_is_an_error_of_that_line() {
    let bytes = b"a,b\n`1,`2\n`\xff,`2\n`3,`4\n";
    let rows: Vec<_> = BillRows::new(&bytes[..]).unwrap().collect();
    assert!(rows[0].is_ok() && rows[2].is_ok() && rows.len() == 3);
    assert_eq!(
        rows[1].as_ref().unwrap_err().to_string(),
        "line 3 of the bill is not UTF-8"
    );

    let (rows, _) = outcomes("a,b\nstray\n`1,`2\n`3,`4\n");
    assert_eq!(rows, [Err(2), row(["1", "2"]), row(["3", "4"])]);

    let long = format!("a,b\n`1,`{}\n`3,`4\n", "x".repeat(3 * MAX_LINE));
    let (rows, _) = outcomes(&long);
    assert_eq!(rows, [Err(2), row(["3", "4"])]);
}

#[test]
fn endless_rows_are_given_up_in_time() {
    // Each one is refused within the limit for one row, so this takes much less than a minute.
    for part in [
        "`1\n",
        "x\n",
        "`1,\"x\n",
        "\n",
        "`1,`2,\"\",\"\n",
        ",\"\"",
        "`1,`2\nx\n",
    ] {
        let bill = format!("a,b,c\n{}", part.repeat(300_000 / part.len()));
        let rows = BillRows::new(bill.as_bytes()).unwrap();
        assert!(rows.flatten().count() == 0, "{part:?}");
    }
}

proptest! {
    /// Whatever a customer types into the quoted columns, a row is either what was written or an error.
    #[test]
    fn text_in_quotes_does_not_shift_columns(
        texts in prop::collection::vec(prop::array::uniform3("(a|,|`|\"|\n|\r\n|,`|\n`|\",\"| ){0,8}"), 1..6)
    ) {
        let mut bill = format!("{USE_FLOW}{FLOW},\"x\",\"y\",\"z\"\n");
        for texts in &texts {
            let quoted = texts.iter().map(|text| format!("\"{}\"", text.replace('"', "\"\"")));
            let quoted = quoted.collect::<Vec<_>>().join(",");
            bill += &format!("{FLOW},{quoted}\n");
        }
        bill += &format!("总条数\n`{}\n", texts.len() + 1);
        let (rows, summary) = outcomes(&bill);
        prop_assert_eq!(summary, Some(vec![(texts.len() + 1).to_string()]));
        let good: Vec<_> = rows.iter().skip(1).flatten().map(|row| &row[9..]).collect();
        for row in &good {
            prop_assert!(texts.iter().any(|texts| texts[..] == **row), "{:?}", row);
        }
        // With doubled quotes nothing is ambiguous.
        prop_assert_eq!(good.len(), texts.len());
    }

    /// In a bill of payments, only a comma followed by a backtick can shift a column.
    #[test]
    fn text_after_a_backtick_does_not_shift_columns(
        texts in prop::collection::vec("(a|,a|`a|\\n|\\r\\n|\"|,\"|总|a,b){0,8}", 1..6)
    ) {
        let mut bill = "交易时间,商品名称,金额\n".to_owned();
        for text in &texts {
            bill += &format!("`2025-11-20 10:00:00,`{text},`1.00\n");
        }
        bill += "总条数,总金额\n`1,`1.00\n";
        let (rows, summary) = outcomes(&bill);
        let texts: Vec<_> = texts.iter().map(|text| row(["2025-11-20 10:00:00", text, "1.00"])).collect();
        prop_assert_eq!(rows, texts);
        prop_assert_eq!(summary.unwrap(), ["1", "1.00"]);
    }
}

//! Both databases have the same tables: each migration is written for each of them, and differs only in words.

use std::collections::BTreeMap;
use std::path::Path;

fn migrations(folder: &str) -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    files
        .map(|file| {
            let text = std::fs::read_to_string(file.path()).unwrap();
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            (file.file_name().into_string().unwrap(), words)
        })
        .collect()
}

/// What a migration for SQLite is for PostgreSQL.
fn translated(text: &str) -> String {
    let words = [
        (") STRICT, WITHOUT ROWID;", ");"),
        (") STRICT;", ");"),
        (" BLOB", " BYTEA"),
        (" INTEGER", " BIGINT"),
        ("length(", "octet_length("),
    ];
    words.iter().fold(text.to_owned(), |text, (of_file, of_server)| text.replace(of_file, of_server))
}

#[test]
fn migrations_for_both_databases_say_the_same() {
    for folder in ["migrations", "migrations_terminal"] {
        let of_files: BTreeMap<_, _> =
            migrations(folder).into_iter().map(|(name, text)| (name, translated(&text))).collect();
        assert_eq!(migrations(&format!("{folder}_postgres")), of_files, "{folder}");
    }
}

import pytest

from store.schema import written_tables


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ("INSERT INTO book_trade (a) VALUES (1)", ("book_trade",)),
        ("insert or ignore into book_trade values (1)", ("book_trade",)),
        ("REPLACE INTO book_trade VALUES (1)", ("book_trade",)),
        ('UPDATE "book_trade" SET a = 1', ("book_trade",)),
        ("UPDATE OR REPLACE book_trade SET a = 1", ("book_trade",)),
        ("UPDATE ONLY public.book_trade SET a = 1", ("book_trade",)),
        ("DELETE FROM book_trade", ("book_trade",)),
        ("-- note\n/* more */ DELETE FROM book_trade", ("book_trade",)),
        ("TRUNCATE TABLE book_trade", ("book_trade",)),
        ("WITH x AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM x", ("a", "b")),
        ("WITH x AS (SELECT 1) SELECT * FROM x", ()),
        ("WITH x AS (SELECT 'update a set b') SELECT * FROM x", ()),
        ("SELECT * FROM book_trade FOR UPDATE", ()),
        ("SELECT 'delete from a'", ()),
        ("PRAGMA foreign_keys", ()),
        ("SAVEPOINT a", ()),
        ("CREATE TABLE a (b INTEGER)", ("(schema)",)),
        ("DROP TABLE a", ("(schema)",)),
        ("INSERT INTO a VALUES ('update b set c = 1')", ("a",)),
    ],
)
def test_the_tables_that_a_statement_writes_to(statement: str, tables: tuple[str, ...]) -> None:
    assert written_tables(statement) == tables

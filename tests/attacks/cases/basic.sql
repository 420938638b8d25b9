# every row, every column that may be read (all kinds)
SELECT id, tenant, name, email, balance, phone, code, amount, joined FROM {t}.people ORDER BY id
----
1 | north | NVIS-Ann | y*** | NULL | +*** | 101 | 10 | 2020-01-01
2 | north | NVIS-Ben | z*** | NULL | +*** | 102 | 20 | 2020-01-02
3 | north | NVIS-Cleo | x*** | NULL | +*** | 103 | 30 | 2020-01-03

# a row that is hidden, by its key (all kinds)
SELECT * FROM {t}.orders WHERE id = 2
----
(SELECT 0)

# (all kinds)
SELECT * FROM {t}.orders ORDER BY id
----
1 | 1 | north | NVIS-item-1 | ****-1001 | 1.50
4 | 1 | north | NVIS-item-4 | ****-1004 | 4.50
7 | 1 | north | NVIS-item-7 | ****-1007 | 7.50
10 | 1 | north | NVIS-item-10 | ****-1010 | 10.50

sam: SELECT id, tenant, email FROM {t}.people ORDER BY id
----
4 | south | y***
5 | south | z***

eve: SELECT id FROM {t}.people
----
ERROR 42P01: relation "{t}.people" does not exist

aud: SELECT count(*) FROM {t}.people
----
6

olga: SELECT count(*) FROM {t}.orders
----
12

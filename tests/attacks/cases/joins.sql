SELECT p.id, o.id FROM {t}.people p JOIN {t}.orders o ON o.person_id = p.id ORDER BY 2
----
1 | 1
1 | 4
1 | 7
1 | 10

SELECT id FROM {t}.people NATURAL JOIN {t}.orders
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT count(*) FROM {t}.orders a NATURAL JOIN {t}.orders b
----
4

SELECT count(*) FROM {t}.notes NATURAL JOIN {t}.orders
----
2

# USING takes the masked value, or knows no such column
SELECT count(*) FROM {t}.orders a JOIN {t}.orders b USING (card)
----
4

SELECT count(*) FROM {t}.people a JOIN {t}.people b USING (salary)
----
ERROR 0A000: this form of query is not supported on lake tables
  DETAIL: Cannot automatically join: salary
  HINT: Give each table an alias and qualify the columns by it.

SELECT count(*) FROM {t}.people a JOIN {t}.people b USING (balance)
----
0

SELECT email FROM {t}.people a FULL JOIN {t}.people b USING (email) ORDER BY 1
----
x***
y***
z***

SELECT * FROM {t}.orders a JOIN {t}.orders b USING (id) ORDER BY 1 LIMIT 1
----
1 | 1 | north | NVIS-item-1 | ****-1001 | 1.50 | 1 | north | NVIS-item-1 | ****-1001 | 1.50

SELECT n.id, p.id FROM {t}.notes n LEFT JOIN {t}.people p ON p.id = n.id ORDER BY 1
----
1 | 1
2 | 2
3 | 3
4 | NULL
5 | NULL

SELECT n.id, p.id FROM {t}.people p RIGHT JOIN {t}.notes n ON p.id = n.id ORDER BY 1
----
1 | 1
2 | 2
3 | 3
4 | NULL
5 | NULL

SELECT n.id, p.id FROM {t}.notes n FULL JOIN {t}.people p ON p.id = n.id ORDER BY 1
----
1 | 1
2 | 2
3 | 3
4 | NULL
5 | NULL

SELECT n.id FROM {t}.notes n LEFT JOIN {t}.people p ON p.id = n.id WHERE p.id IS NULL ORDER BY 1
----
4
5

SELECT count(*) FROM {t}.people a CROSS JOIN {t}.people b
----
9

SELECT count(*) FROM {t}.people, {t}.orders, {t}.notes
----
60

SELECT count(*) FROM {t}.people a LEFT SEMI JOIN {t}.vault b ON a.id = b.id
----
ERROR 42P01: relation "{t}.vault" does not exist

SELECT count(*) FROM {t}.people a ANTI JOIN {t}.orders b ON a.id = b.id
----
ERROR 42601: syntax error at or near "ANTI"

SELECT n.id, x.name FROM {t}.notes n, LATERAL (SELECT name FROM {t}.people p WHERE p.id = n.id) x ORDER BY 1
----
1 | NVIS-Ann
2 | NVIS-Ben
3 | NVIS-Cleo

SELECT n.id, x.name FROM {t}.notes n LEFT JOIN LATERAL (SELECT name FROM {t}.people p WHERE p.id = n.id) x ON true ORDER BY 1
----
1 | NVIS-Ann
2 | NVIS-Ben
3 | NVIS-Cleo
4 | NULL
5 | NULL

SELECT n.id, x.secret FROM {t}.notes n CROSS JOIN LATERAL (SELECT secret FROM {t}.vault v WHERE v.id = n.id) x
----
ERROR 42P01: relation "{t}.vault" does not exist

SELECT n.id FROM {t}.notes n, LATERAL (SELECT 1 FROM {t}.people p WHERE p.id = n.id AND p.salary > 0) x
----
ERROR 42703: column "salary" does not exist

SELECT n.id, x.m FROM {t}.notes n, LATERAL (SELECT max(p.amount) AS m FROM {t}.people p WHERE p.id >= n.id) x ORDER BY 1
----
1 | 30
2 | 30
3 | 30
4 | NULL
5 | NULL

SELECT count(*) FROM lk.people a JOIN crm.people b ON a.email = b.email
----
3

SELECT count(*) FROM lk.people a JOIN crm.people b ON a.balance = b.balance
----
0

SELECT count(*) FROM ice.people a JOIN docs.people b ON a.phone = b.phone
----
9

SELECT count(*) FROM lk.people a JOIN lk.people b ON a.name <> b.name
----
6

SELECT count(*) FROM {t}.people a JOIN {t}.vault b USING (id)
----
ERROR 42P01: relation "{t}.vault" does not exist

SELECT max(o.card) FROM {t}.orders o JOIN {t}.people p ON right(p.email, 3) = right(o.card, 3)
----
NULL

SELECT count(*) FROM {t}.orders o JOIN crm.members m ON m.tenant <> o.tenant
----
0

SELECT m.member, count(*) FROM crm.members m LEFT JOIN {t}.orders o ON o.tenant = m.tenant GROUP BY 1
----
tina | 4

SELECT * FROM {t}.notes n LEFT JOIN (SELECT id, salary FROM {t}.people) p ON false
----
ERROR 42703: column "salary" does not exist

SELECT count(*) FROM {t}.people a JOIN LATERAL (VALUES (a.balance), (a.amount)) v(x) ON x > 1000
----
0

SELECT name FROM {t}.people UNION SELECT item FROM {t}.orders ORDER BY 1
----
NVIS-Ann
NVIS-Ben
NVIS-Cleo
NVIS-item-1
NVIS-item-10
NVIS-item-4
NVIS-item-7

SELECT id FROM {t}.people UNION ALL SELECT id FROM {t}.vault
----
ERROR 42P01: relation "{t}.vault" does not exist

SELECT name FROM {t}.people EXCEPT SELECT name FROM {t}.people WHERE tenant = 'north'
----
(SELECT 0)

SELECT id FROM {t}.notes EXCEPT SELECT id FROM {t}.people ORDER BY 1
----
4
5

SELECT id FROM {t}.notes INTERSECT SELECT id FROM {t}.people ORDER BY 1
----
1
2
3

SELECT id FROM {t}.notes INTERSECT ALL SELECT person_id FROM {t}.orders ORDER BY 1
----
1

SELECT id FROM {t}.notes EXCEPT ALL SELECT person_id FROM {t}.orders ORDER BY 1
----
2
3
4
5

(SELECT id FROM {t}.people) UNION (SELECT salary FROM {t}.people)
----
ERROR 42703: column "salary" does not exist

SELECT count(*) FROM (SELECT email FROM {t}.people UNION SELECT phone FROM {t}.people UNION SELECT card FROM {t}.orders) x
----
8

(SELECT email FROM {t}.people UNION ALL (SELECT phone FROM {t}.people EXCEPT SELECT 'x')) ORDER BY 1
----
+***
x***
y***
z***

SELECT id, name FROM {t}.people WHERE false UNION ALL SELECT id, secret FROM {t}.vault WHERE id = 1
----
ERROR 42P01: relation "{t}.vault" does not exist

TABLE {t}.notes UNION TABLE {t}.vault
----
ERROR 42P01: relation "{t}.vault" does not exist

SELECT name FROM {t}.people UNION ALL BY NAME SELECT item AS name FROM {t}.orders
----
ERROR 42601: syntax error at or near "BY"

VALUES ('a') UNION SELECT name FROM {t}.people ORDER BY 1
----
NVIS-Ann
NVIS-Ben
NVIS-Cleo
a

SELECT 1 UNION SELECT amount FROM {t}.people ORDER BY 1 DESC LIMIT 1
----
30

SELECT code FROM lk.people UNION SELECT code FROM ice.people UNION SELECT code FROM crm.people UNION SELECT code FROM docs.people ORDER BY 1
----
101
102
103

SELECT id FROM {t}.people WHERE false UNION ALL SELECT count(*) FROM {t}.orders
----
4

SELECT 'north' INTERSECT SELECT tenant FROM crm.members
----
north

SELECT tenant FROM {t}.people EXCEPT SELECT tenant FROM crm.members
----
(SELECT 0)

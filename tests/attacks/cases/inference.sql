# a mask stands wherever its column is asked
SELECT id FROM {t}.people WHERE email LIKE '%LEAK%'
----
(SELECT 0)

SELECT id FROM {t}.people WHERE email LIKE 'y%' ORDER BY 1
----
1

SELECT id FROM {t}.people WHERE balance > 0
----
(SELECT 0)

SELECT id FROM {t}.people WHERE balance IS NOT NULL
----
(SELECT 0)

SELECT id FROM {t}.people WHERE phone IS NULL
----
(SELECT 0)

SELECT id FROM {t}.people WHERE phone = '+***' ORDER BY 1
----
1
2
3

SELECT id FROM {t}.people WHERE email = 'yLEAK-A-1@example.org'
----
(SELECT 0)

SELECT id FROM {t}.people WHERE email IN ('yLEAK-A-1@example.org', 'yLEAK-B-1@example.org')
----
(SELECT 0)

SELECT id FROM {t}.people WHERE email > 'yLEAK' ORDER BY 1
----
2

SELECT id FROM {t}.people WHERE email ~ 'LEAK'
----
(SELECT 0)

SELECT id FROM {t}.people WHERE email SIMILAR TO '%LEAK%'
----
(SELECT 0)

SELECT id FROM {t}.people WHERE position('LEAK' IN email) > 0
----
(SELECT 0)

SELECT id FROM {t}.people WHERE length(email) > 4
----
(SELECT 0)

SELECT id, length(email), left(email, 6), reverse(email), md5(phone) FROM {t}.people ORDER BY 1
----
1 | 4 | y*** | ***y | b2479227afa307be1d94876c32d42663
2 | 4 | z*** | ***z | b2479227afa307be1d94876c32d42663
3 | 4 | x*** | ***x | b2479227afa307be1d94876c32d42663

SELECT id FROM {t}.people ORDER BY balance, id
----
1
2
3

SELECT id FROM {t}.people ORDER BY email DESC, id
----
2
1
3

SELECT id, card FROM {t}.orders ORDER BY card DESC
----
10 | ****-1010
7 | ****-1007
4 | ****-1004
1 | ****-1001

SELECT email, count(*) FROM {t}.people GROUP BY email ORDER BY 1
----
x*** | 1
y*** | 1
z*** | 1

SELECT balance, count(*) FROM {t}.people GROUP BY 1
----
NULL | 3

SELECT count(DISTINCT phone), count(phone), count(balance) FROM {t}.people
----
1 | 3 | 0

SELECT DISTINCT phone FROM {t}.people
----
+***

SELECT min(email), max(email), min(phone), max(balance), sum(balance), avg(balance) FROM {t}.people
----
x*** | z*** | +*** | NULL | NULL | NULL

SELECT string_agg(email, ',' ORDER BY id) FROM {t}.people
----
y***,z***,x***

SELECT array_agg(balance ORDER BY id) FROM {t}.people
----
{NULL,NULL,NULL}

SELECT id, rank() OVER (ORDER BY balance) FROM {t}.people ORDER BY 1
----
1 | 1
2 | 1
3 | 1

SELECT id, row_number() OVER (PARTITION BY email ORDER BY id) FROM {t}.people ORDER BY 1
----
1 | 1
2 | 1
3 | 1

SELECT id, lag(email) OVER (ORDER BY id), lead(balance) OVER (ORDER BY id) FROM {t}.people ORDER BY 1
----
1 | NULL | NULL
2 | y*** | NULL
3 | z*** | NULL

SELECT id, first_value(name) OVER (ORDER BY id DESC), count(*) OVER () FROM {t}.people ORDER BY 1
----
1 | NVIS-Cleo | 3
2 | NVIS-Cleo | 3
3 | NVIS-Cleo | 3

SELECT id, sum(amount) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM {t}.people ORDER BY 1
----
1 | 60
2 | 60
3 | 60

SELECT id, nth_value(name, 4) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM {t}.people ORDER BY 1
----
1 | NULL
2 | NULL
3 | NULL

SELECT ntile(2) OVER (ORDER BY amount), id FROM {t}.people ORDER BY 2
----
1 | 1
1 | 2
2 | 3

SELECT percent_rank() OVER (ORDER BY amount), cume_dist() OVER (ORDER BY amount) FROM {t}.people ORDER BY 1
----
0 | 0.3333333333333333
0.5 | 0.6666666666666666
1 | 1

# correlated subqueries
SELECT id, (SELECT count(*) FROM {t}.people b WHERE b.amount > a.amount) FROM {t}.people a ORDER BY 1
----
1 | 2
2 | 1
3 | 0

SELECT n.id, (SELECT p.name FROM {t}.people p WHERE p.id = n.id) FROM {t}.notes n ORDER BY 1
----
1 | NVIS-Ann
2 | NVIS-Ben
3 | NVIS-Cleo
4 | NULL
5 | NULL

SELECT n.id FROM {t}.notes n WHERE NOT EXISTS (SELECT 1 FROM {t}.people p WHERE p.id = n.id) ORDER BY 1
----
4
5

SELECT n.id FROM {t}.notes n WHERE n.id NOT IN (SELECT id FROM {t}.people) ORDER BY 1
----
4
5

SELECT n.id FROM {t}.notes n WHERE n.id > ALL (SELECT id FROM {t}.people) ORDER BY 1
----
4
5

SELECT n.id FROM {t}.notes n WHERE n.id = ANY (SELECT p.id FROM {t}.people p WHERE p.tenant <> 'north')
----
(SELECT 0)

SELECT id FROM {t}.people a WHERE 0 < (SELECT count(*) FROM {t}.people b WHERE b.salary > a.id)
----
ERROR 42703: column "salary" does not exist

# what is denied
SELECT salary FROM {t}.people
----
ERROR 42703: column "salary" does not exist

SELECT 1 FROM {t}.people WHERE salary IS NULL
----
ERROR 42703: column "salary" does not exist

SELECT count(salary) FROM {t}.people
----
ERROR 42703: column "salary" does not exist

SELECT id FROM {t}.people ORDER BY salary
----
ERROR 42703: column "salary" does not exist

SELECT count(*) FROM {t}.people GROUP BY salary
----
ERROR 42703: column "salary" does not exist

SELECT id FROM {t}.people p WHERE (SELECT p.salary) > 0
----
ERROR 42703: column "salary" does not exist

SELECT id FROM {t}.people WHERE id IN (SELECT salary FROM {t}.people)
----
ERROR 42703: column "salary" does not exist

SELECT id FROM {t}.people HAVING max(salary) > 0
----
ERROR 42803: column "people.id" must appear in the GROUP BY clause or be used in an aggregate function

SELECT count(*) FILTER (WHERE salary > 0) FROM {t}.people
----
ERROR 42703: column "salary" does not exist

SELECT rank() OVER (ORDER BY salary) FROM {t}.people
----
ERROR 42703: column "salary" does not exist

SELECT nosuchcolumn FROM {t}.people
----
ERROR 42703: column "nosuchcolumn" does not exist

SELECT p.nosuchcolumn FROM {t}.people p
----
ERROR 42703: column "nosuchcolumn" does not exist

# an alias that is denied elsewhere
SELECT salery FROM {t}.people
----
ERROR 42703: column "salery" does not exist

aud: SELECT email FROM {t}.people
----
ERROR 42703: column "email" does not exist

aud: SELECT id FROM {t}.people WHERE amount > 0
----
ERROR 42703: column "amount" does not exist

aud: SELECT count(*) FROM {t}.orders
----
ERROR 42P01: relation "{t}.orders" does not exist
  HINT: Perhaps you meant "{t}.notes".

sam: SELECT id FROM {t}.people WHERE tenant = 'north'
----
(SELECT 0)

sam: SELECT salary FROM {t}.people
----
ERROR 42703: column "salary" does not exist

SELECT approx_distinct(name) FROM {t}.people
----
ERROR 42883: function approx_distinct(text) does not exist
  HINT: No function matches the given name and argument types. You might need to add explicit type casts.

SELECT approx_percentile_cont(amount, 0.99) FROM {t}.people
----
ERROR 42883: function approx_percentile_cont(bigint, numeric) does not exist
  HINT: No function matches the given name and argument types. You might need to add explicit type casts.

SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY amount), mode() WITHIN GROUP (ORDER BY tenant) FROM {t}.people
----
20 | north

SELECT stddev(amount), variance(amount), corr(id, amount) FROM {t}.people
----
10.0000000000000000 | 100.0000000000000000 | 1

SELECT round(regr_slope(amount, id)::numeric, 6) FROM {t}.people
----
10.000000

SELECT bool_or(tenant <> 'north'), bool_and(tenant = 'north') FROM {t}.people
----
f | t

# what could never be answered is refused when a policy is made
ada: CREATE POLICY made ON lk.people AS RESTRICTIVE USING (ctid IS NOT NULL)
ada: CREATE POLICY made ON crm.people AS RESTRICTIVE USING (ctid IS NOT NULL)
----
> ada
ERROR 0A000: system column "ctid" is not allowed in policies
  HINT: Tables of the lake have no system columns.
> ada
ERROR 0A000: system column "ctid" is not allowed in policies
  HINT: Tables of the lake have no system columns.

ada: CREATE POLICY made ON {t}.people AS RESTRICTIVE USING (people.tableoid <> 0)
----
ERROR 0A000: system column "tableoid" is not allowed in policies
  HINT: Tables of the lake have no system columns.

ada: CREATE POLICY made ON {t}.people AS RESTRICTIVE USING (id IN (SELECT m.id FROM lk.notes m WHERE m.xmin IS NOT NULL))
----
ERROR 0A000: system column "xmin" is not allowed in policies
  HINT: Tables of the lake have no system columns.

ada: ALTER POLICY recent ON {t}.people USING (ctid IS NOT NULL)
----
ERROR 0A000: system column "ctid" is not allowed in policies
  HINT: Tables of the lake have no system columns.

ada: CREATE POLICY made ON lk.people AS RESTRICTIVE USING (name ~ '[')
ada: CREATE POLICY made ON crm.people AS RESTRICTIVE USING (name ~ '[')
----
> ada
ERROR 2201B: invalid regular expression: brackets [] not balanced
> ada
ERROR 2201B: invalid regular expression: brackets [] not balanced

ada: CREATE POLICY made ON {t}.people AS RESTRICTIVE USING (name !~* 'a{2,1}')
----
ERROR 2201B: invalid regular expression: invalid repetition count(s)

ada: CREATE POLICY made ON {t}.people AS RESTRICTIVE USING (name SIMILAR TO '[')
----
ERROR 2201B: invalid regular expression: brackets [] not balanced

ada: CREATE POLICY made ON {t}.people AS RESTRICTIVE USING (name SIMILAR TO 'a\"b\"c\"d')
----
ERROR 2200C: SQL regular expression may not contain more than two escape-double-quote separators

ada: CREATE POLICY made ON {t}.people AS RESTRICTIVE USING (regexp_replace(name, '(', '') <> '')
----
ERROR 2201B: invalid regular expression: parentheses () not balanced

ada: CREATE POLICY made ON {t}.people AS RESTRICTIVE USING (substring(name from '[') IS NULL)
----
ERROR 2201B: invalid regular expression: brackets [] not balanced

ada: CREATE POLICY made ON {t}.people AS RESTRICTIVE USING (lakegate.is_member('nobody') OR name ~ '[')
----
ERROR 2201B: invalid regular expression: brackets [] not balanced

ada: CREATE POLICY made ON {t}.people AS RESTRICTIVE USING (id IN (SELECT n.id FROM lk.notes n FOR UPDATE))
----
ERROR 0A000: condition of policy "made" for table "people" is not supported
  DETAIL: Row locks (FOR UPDATE, FOR SHARE) are not supported.
  HINT: A policy may use what queries over the tables of the lake may.

ada: CREATE DRAFT POLICY made ON {t}.people AS RESTRICTIVE USING (name ~ '[')
----
ERROR 2201B: invalid regular expression: brackets [] not balanced

# what the engine has no words for
ada: CREATE POLICY made ON lk.people AS RESTRICTIVE USING (name IS JSON)
----
ERROR 0A000: condition of policy "made" for table "people" is not supported
  DETAIL: IS JSON is not available on lake tables.
  HINT: A policy may use what queries over the tables of the lake may.

ada: CREATE POLICY made ON ice.people AS RESTRICTIVE USING (row_to_json(people)::text <> '')
----
ERROR 0A000: condition of policy "made" for table "people" is not supported
  DETAIL: Function to_json is not available on lake tables.
  HINT: A policy may use what queries over the tables of the lake may.

ada: CREATE POLICY made ON docs.people AS RESTRICTIVE USING (to_tsvector('english'::regconfig, name) @@ 'a'::tsquery)
----
ERROR 0A000: condition of policy "made" for table "people" is not supported
  DETAIL: Function match_against is not available on lake tables.
  HINT: A policy may use what queries over the tables of the lake may.

# a server has, for what it is asked alone
ada: CREATE POLICY made ON crm.people AS RESTRICTIVE USING (row_to_json(people)::text <> '')
tina: SELECT id FROM crm.people ORDER BY id
tina: SELECT p.id FROM crm.people p JOIN lk.notes n ON n.id = p.id
ada: DROP POLICY made ON crm.people
----
> ada
WARNING 01000: policy "made" for table "people" can be applied by source "crm" alone
  DETAIL: Queries that need more than that source are refused: function to_json is not available on lake tables.
(CREATE POLICY)
> tina
1
2
3
> tina
ERROR 0A000: function to_json is not available on lake tables
> ada
(DROP POLICY)

# a condition that fails for hidden rows tells none of their values
ada: CREATE POLICY made ON lk.people AS RESTRICTIVE USING (code::date > '2020-01-01')
tina: SELECT id FROM lk.people
tina: SELECT p.id FROM lk.people p JOIN lk.notes n ON n.id = p.id JOIN docs.notes d ON d.id = n.id
tina: SELECT count(*) FROM lk.people p, lk.notes n, docs.notes d WHERE p.id = 4
tina: COPY (SELECT id FROM lk.people WHERE id > 3) TO STDOUT
ada: DROP POLICY made ON lk.people
----
> ada
(CREATE POLICY)
> tina
ERROR 22007: a value could not be computed
  HINT: A policy or mask of a table that is read can fail itself: which value it was is not told, for it may be hidden.
> tina
ERROR 22007: a value could not be computed
  HINT: A policy or mask of a table that is read can fail itself: which value it was is not told, for it may be hidden.
> tina
0
> tina
(COPY)
(COPY 0)
> ada
(DROP POLICY)

ada: CREATE POLICY made ON crm.people AS RESTRICTIVE USING (code::date > '2020-01-01')
tina: SELECT id FROM crm.people
tina: SELECT p.id FROM crm.people p JOIN crm.notes n ON n.id = p.id JOIN docs.notes d ON d.id = n.id
tina: SELECT count(*) FROM crm.people p, lk.notes n, docs.notes d WHERE p.id = 4
tina: COPY (SELECT id FROM crm.people WHERE id > 3) TO STDOUT
ada: DROP POLICY made ON crm.people
----
> ada
(CREATE POLICY)
> tina
ERROR 22007: source "crm" could not compute a value
> tina
ERROR 22007: a value could not be computed
  HINT: A policy or mask of a table that is read can fail itself: which value it was is not told, for it may be hidden.
> tina
0
> tina
(COPY)
(COPY 0)
> ada
(DROP POLICY)

ada: CREATE POLICY made ON lk.people AS RESTRICTIVE USING (code::uuid IS NOT NULL OR to_date(code, 'YYYY') > joined)
tina extended: SELECT p.id FROM lk.people p JOIN lk.notes n ON n.id = p.id JOIN docs.notes d ON d.id = n.id
tina: BEGIN; DECLARE c CURSOR FOR SELECT p.id FROM lk.people p JOIN lk.notes n ON n.id = p.id JOIN docs.notes d ON d.id = n.id; FETCH ALL FROM c
tina: ROLLBACK
ada: DROP POLICY made ON lk.people
----
> ada
(CREATE POLICY)
> tina
ERROR 22P02: a value could not be computed
  HINT: A policy or mask of a table that is read can fail itself: which value it was is not told, for it may be hidden.
> tina
(BEGIN)
(DECLARE CURSOR)
ERROR 22P02: a value could not be computed
  HINT: A policy or mask of a table that is read can fail itself: which value it was is not told, for it may be hidden.
> tina
(ROLLBACK)
> ada
(DROP POLICY)

ada: CREATE POLICY made ON crm.people AS RESTRICTIVE USING (code::uuid IS NOT NULL OR to_date(code, 'YYYY') > joined)
tina extended: SELECT p.id FROM crm.people p JOIN lk.notes n ON n.id = p.id JOIN docs.notes d ON d.id = n.id
tina: BEGIN; DECLARE c CURSOR FOR SELECT p.id FROM crm.people p JOIN lk.notes n ON n.id = p.id JOIN docs.notes d ON d.id = n.id; FETCH ALL FROM c
tina: ROLLBACK
ada: DROP POLICY made ON crm.people
----
> ada
(CREATE POLICY)
> tina
ERROR 22P02: a value could not be computed
  HINT: A policy or mask of a table that is read can fail itself: which value it was is not told, for it may be hidden.
> tina
(BEGIN)
(DECLARE CURSOR)
ERROR 22P02: a value could not be computed
  HINT: A policy or mask of a table that is read can fail itself: which value it was is not told, for it may be hidden.
> tina
(ROLLBACK)
> ada
(DROP POLICY)

# nor does a mask, of the values that it masks
ada: CREATE MASKING POLICY made (value text) RETURNS text AS (value::date)::text
ada: ALTER TABLE lk.people ALTER COLUMN phone SET MASKING POLICY made
tina: SELECT phone FROM lk.people
tina: SELECT count(phone) FROM lk.people
ada: ALTER TABLE lk.people ALTER COLUMN phone SET MASKING POLICY constant
ada: DROP MASKING POLICY made
----
> ada
(CREATE MASKING POLICY)
> ada
(ALTER TABLE)
> tina
ERROR 22007: a value could not be computed
  HINT: A policy or mask of a table that is read can fail itself: which value it was is not told, for it may be hidden.
> tina
ERROR 22007: a value could not be computed
  HINT: A policy or mask of a table that is read can fail itself: which value it was is not told, for it may be hidden.
> ada
(ALTER TABLE)
> ada
(DROP MASKING POLICY)

# who asks for a value himself is told which it was
tina: SELECT id FROM lk.people WHERE (code || 'x')::date > '2020-01-01'
----
ERROR 22007: invalid input syntax for type date: "101x"

# a policy names columns that the query around it does not
ada: CREATE POLICY made ON crm.people AS RESTRICTIVE USING (EXISTS (SELECT 1 FROM crm.members m WHERE m.tenant = people.tenant AND people.leak_extra <> m.member))
tina: SELECT id FROM crm.people ORDER BY id
tina: SELECT p.id FROM crm.people p JOIN ice.notes n ON n.id = p.id ORDER BY 1
tina: SELECT count(*) FROM crm.people p, docs.notes n
ada: ALTER POLICY made ON crm.people USING (EXISTS (SELECT 1 FROM crm.members m WHERE (people.*)::text ~ m.tenant))
tina: SELECT id FROM crm.people ORDER BY id
tina: SELECT p.id FROM crm.people p JOIN ice.notes n ON n.id = p.id ORDER BY 1
ada: ALTER POLICY made ON crm.people USING (name SIMILAR TO '%(Ann|Ben)')
tina: SELECT p.id FROM crm.people p JOIN ice.notes n ON n.id = p.id ORDER BY 1
ada: DROP POLICY made ON crm.people
----
> ada
(CREATE POLICY)
> tina
1
2
3
> tina
1
2
3
> tina
15
> ada
(ALTER POLICY)
> tina
1
2
3
> tina
1
2
3
> ada
(ALTER POLICY)
> tina
1
2
> ada
(DROP POLICY)

ada: CREATE POLICY made ON lk.people AS RESTRICTIVE USING (EXISTS (SELECT 1 FROM crm.members m WHERE m.tenant = people.tenant AND people.leak_extra <> m.member))
tina: SELECT id FROM lk.people ORDER BY id
tina: SELECT p.id FROM lk.people p JOIN ice.notes n ON n.id = p.id ORDER BY 1
tina: SELECT count(*) FROM lk.people p, docs.notes n
ada: ALTER POLICY made ON lk.people USING (EXISTS (SELECT 1 FROM crm.members m WHERE (people.*)::text ~ m.tenant))
tina: SELECT id FROM lk.people ORDER BY id
tina: SELECT p.id FROM lk.people p JOIN ice.notes n ON n.id = p.id ORDER BY 1
ada: ALTER POLICY made ON lk.people USING (name SIMILAR TO '%(Ann|Ben)')
tina: SELECT p.id FROM lk.people p JOIN ice.notes n ON n.id = p.id ORDER BY 1
ada: DROP POLICY made ON lk.people
----
> ada
(CREATE POLICY)
> tina
1
2
3
> tina
1
2
3
> tina
15
> ada
(ALTER POLICY)
> tina
1
2
3
> tina
1
2
3
> ada
(ALTER POLICY)
> tina
1
2
> ada
(DROP POLICY)

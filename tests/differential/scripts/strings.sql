-- format 1
select format('Hello %s, %1$s', t), format('%I.%L', t, v) from types where t is not null;
-- format 2
select format('|%10s|%-10s|', t, id), format('%%') from types;
-- format 3
-- error: 22023
select format('%s %s', t) from types;
-- format 4
select format('INSERT INTO %I VALUES(%L)', 'locations', t) from types;
-- format 5
select format('Testing %3$s, %2$s, %1$s', 'one', t, 'three') from types;
-- quoting 1
select quote_ident(t), quote_literal(t), quote_nullable(t) from types;
-- quoting 2
select quote_literal(id), quote_nullable(null) from types;
-- quoting 3
select quote_ident('Foo bar') || quote_literal(E'O''Reilly') from types where id = 1;
-- regexp functions 1
select regexp_replace(t, '(a)(.)', '\2\1', 'g'), regexp_replace(t, 'A', 'x', 'i') from types;
-- regexp functions 2
select regexp_replace('Thomas', '.[mN]a.', 'M'), regexp_replace(t, '[aeiou]', 'X', 1, 2), regexp_replace(t, 'a|e', 'X', 2, 1, 'i') from types;
-- regexp functions 3
select regexp_match(t, '(.)(.)'), regexp_match(t, 'P', 'i') from types;
-- regexp functions 4
select regexp_count(t, 'a'), regexp_count(t, 'A', 1, 'i') from types;
-- regexp functions 5
select regexp_instr(t, 'p'), regexp_instr('number of your street, town zip, FR', '[^,]+', 1, 2) from types;
-- regexp functions 6
select regexp_substr(t, '[a-z]+'), regexp_substr('number of your street, town zip, FR', '[^,]+', 1, 2) from types;
-- regexp functions 7
select regexp_like(t, 'A', 'i'), regexp_like(t, '^[a-z]+$') from types;
-- regexp functions 8
select regexp_split_to_array(t, '\s+'), regexp_split_to_array(v, '[,]') from types;
-- regexp functions 9
select t ~ '(a)\1', t ~* 'APPLE', t !~ '^(?!a)', t !~* 'b' from types;
-- regexp functions 10
select 'abcd' ~ 'a.*(?=d)', t ~ '\mapple\M' from types;
-- regexp functions 11
-- error: 2201B
select t ~ '(' from types;
-- regexp functions 12
select t ~ v from types where v ~ '^[a-z]*$';
-- similar 1
select t similar to '%(b|d|p)%', 'abc' similar to 'a', t not similar to '[A-Z]%' from types;
-- similar 2
select substring(t from '%#"p_l#"%' for '#') from types;
-- similar 3
select substring(t, '(.)p') from types;
-- small functions 1
select translate('12345', '143', 'ax'), translate(t, 'abc', 'xy') from types;
-- small functions 2
select overlay(t placing 'XX' from 2 for 1), overlay(t placing 'hom' from 2) from types;
-- small functions 3
select ascii(t), chr(id + 64), to_hex(id), to_oct(id), to_bin(id) from types;
-- chr beyond Unicode
-- error: 54000
select chr(id + 777010004) from types;
-- chr of a surrogate
-- error: 54000
select chr(id + 55296) from types;
-- small functions 4
select starts_with(t, 'a'), t ^@ 'B' from types;
-- small functions 5
select normalize(t, NFD) = t, normalize(t) from types;
-- small functions 6
select unistr('d\0061t\+000061') from types where id = 1;
-- small functions 7
select string_to_array(v, ','), string_to_array(v, ',', 'a'), array_to_string(string_to_array(v, ','), '|', '*') from types;
-- small functions 8
select parse_ident('SomeSchema.someTable') from types where id = 1;
-- small functions 9
select lpad(t, id, 'xy'), rpad(t, 4, v) from types;
-- small functions 10
select split_part(v, ',', -2), reverse(v), initcap(v), casefold(t) from types;
-- small functions 11
select concat(ai, '-', iv), concat_ws(',', d, ts, n) from types;
-- small functions 12
select md5(t), sha256(y), encode(sha512(y), 'base64') from types;
-- small functions 13
select encode(y, 'base64'), encode(y, 'escape'), decode('MTIz', 'base64') from types;
-- small functions 14
select get_byte(y, 0), set_byte(y, 0, 65), bit_count(y), length(y) from types where id in (1, 2, 5);
-- small functions 15
select convert_from(y, 'UTF8'), convert_to(t, 'LATIN1') from types where id = 1;
-- small functions 16
select substring(y from 1 for 1), position('\xff'::bytea in y), y || '\x00'::bytea, overlay(y placing '\x01' from 1) from types;
-- small functions 17
select trim(both 'a' from t), btrim(y, '\x00'::bytea), ltrim(t, 'aB') from types;
-- small functions 18
select crc32(y), crc32c(y), reverse(y) from types;
-- small functions 19
select char_length(t), bit_length(t), octet_length(y), length(t::char(10)) from types;
-- small functions 20
select repeat(t, 2), left(t, -1), right(t, 2), strpos(t, 'p') from types;
-- numbers 1
select div(n, 2), mod(i4, 7), gcd(i4, 6), lcm(id, 4) from types;
-- numbers 2
select scale(n), min_scale(n), trim_scale(n), scale(n2 * n2) from types;
-- numbers 3
select factorial(id), width_bucket(n2, array[0, 1, 5]::numeric[]), width_bucket(f8, -1, 3, 4) from types where id < 10;
-- numbers 4
select log(2, 64), log10(100.0), exp(1.0), ln(2.0), power(n2, 2) from types where id < 3;
-- numbers 5
select cbrt(27.0), sqrt(2.0), ||/ 27.0 from types where id < 3;
-- numbers 6
select erf(f8), gamma(5.0::float8), asinh(1.0::float8), sind(30), cosd(60), atan2d(1, 1) from types where id < 3;
-- numbers 7
select pg_size_pretty(i8), pg_size_bytes('1 kB') from types;
-- numbers 8
select numeric '1.50' + id, 'NaN'::numeric, 'infinity'::numeric from types where id < 3;
-- numbers 9
select random_normal is null from (select 1 as random_normal from types) x;
-- numbers 10
select i4 # 5, ~ i4, i4 << 2, i4 & 6 from types;
-- numbers 11
select round(n2, -1), trunc(n, 2), ceil(n), sign(n) from types;
-- arrays 1
select array_positions(ai, 2), array_dims(ai), array_ndims(ai) from types;
-- arrays 2
select trim_array(ai, 1) from types where id = 1;
-- arrays 3
select array_fill(id, array[3]), array_fill(7, array[2]) from types;
-- arrays 4
select array_sort(ai), array_reverse(at), array_sort(ai, true), array_sort(ai, true, true) from types;
-- arrays 5
-- refused: array_sample
select array_sample(ai, 1) is null from types where id < 0;
-- arrays 6
select ai @> array[1], ai <@ array[1,2,3], ai && array[5] from types;
-- arrays 7
select array_cat(ai, array[9]), array_append(at, t), array_remove(at, 'a') from types;
-- arrays 8
select ai[1:2], at[1], array_length(ai, 1), cardinality(at) from types;
-- arrays 9
select array_to_json(at), to_jsonb(ai) -> 0 from types;
-- uuid and others 1
select uuid_extract_version(u), u::text, u = '00000000-0000-0000-0000-000000000001' from types;
-- uuid and others 2
select (id || '.0.0.1')::inet, host((id || '.0.0.1')::inet), masklen('10.0.0.0/8'::cidr) from types;
-- uuid and others 3
select ('10.0.0.' || id)::inet << '10.0.0.0/29'::cidr, ('10.0.0.' || id)::inet + 5 from types;
-- uuid and others 4
select network('192.168.1.5/24'), broadcast(('10.' || id || '.0.0/16')::inet), family('::1'), netmask('10.1.2.3/8') from types;
-- uuid and others 5
select '08:00:2b:01:02:03'::macaddr, trunc('08:00:2b:01:02:03'::macaddr), macaddr8_set7bit('08:00:2b:01:02:03') from types where id = 1;
-- uuid and others 6
select int4range(1, id) @> 3, lower(int4range(id, 20)), upper(int4range(id, 20, '[]')), isempty(int4range(id, 5)) from types where id <= 5;
-- uuid and others 7
select int4range(id, 20) * int4range(5, 15), int4range(1, 5) -|- int4range(5, 9), numrange(n2, 100) && numrange(0, 1) from types where n2 < 100;
-- uuid and others 8
select daterange(d, d + 7) @> date '2024-02-01', tsrange(ts, null) from types;
-- uuid and others 9
select int4multirange(int4range(1, 3), int4range(id, 20)), range_merge(int4range(1, 2), int4range(id, 9)) from types where id < 9;
-- uuid and others 10
select point(id, 2) <-> point(3, 4), box(point(0, 0), point(id, id)) @> point(1, 1), area(circle(point(0, 0), id)) from types;
-- uuid and others 11
select id::bit(4) | B'1000', bit_count(id::bit(8)), get_bit(id::bit(8), 7) from types;
-- uuid and others 12
select B'101' || B'01', length(B'101'), substring(B'11001' from 2 for 3) from types where id = 1;
-- uuid and others 13
select to_tsvector('english', t), to_tsvector('english', t) @@ to_tsquery('english', 'apples') from types;
-- uuid and others 14
select ts_rank(to_tsvector('english', t), plainto_tsquery('english', 'apple')), ts_headline('english', t, to_tsquery('apple')) from types;
-- uuid and others 15
select websearch_to_tsquery('english', 'apple or -banana'), phraseto_tsquery('simple', 'a b'), strip(to_tsvector('simple', t)), numnode(to_tsquery('a & b')) from types where id < 3;
-- uuid and others 16
select '12.34'::money, n2::money, 5 * '1.00'::money from types where id < 3;
-- uuid and others 17
select t::varchar(3), v::char(3) || '|', t::name from types;
-- uuid and others 18
select num_nulls(t, v, n), num_nonnulls(id, t) from types;
-- what stays refused 1
-- refused: pg_sleep
select pg_sleep(1) from types;
-- what stays refused 2
-- refused: current_setting
select current_setting('work_mem') from types;
-- what stays refused 3
-- refused: version
select version() from types;
-- what stays refused 4
-- refused: has_table_privilege
select has_table_privilege('types', 'select') from types;
-- what stays refused 5
-- refused: regclass
select 'types'::regclass::text from types;
-- what stays refused 6
-- refused: txid_current
select txid_current() from types;
-- what stays refused 7
-- refused: pg_column_size
select pg_column_size(t) from types;
-- what stays refused 8
-- refused: to_regclass
select to_regclass(t) from types;
-- regexp_matches
select id, regexp_matches(t, 'a', 'g') from types;
-- what stays refused 9
-- refused: inet_client_addr
select inet_client_addr() from types;
-- is normalized
select id, t is normalized, t is nfc normalized, t is not nfd normalized, t is nfkc normalized, t is not nfkd normalized and b from types;
-- is normalized in a condition
select id, is_normalized from (select id, t is nfd normalized from types) x where (is_normalized is not true) or 'é' is nfd normalized;
-- a pattern that is none is no error where there are no rows
select t ~ '[a' from types where false;
-- patterns that only postgresql reads
select id, t ~ 'a{', t ~ 'a{,3}', t ~ '\u0041', t ~ '\mb', t ~ '^[^*]+$' from types;

-- a pattern that a value must not match, cast
-- ordered
select t from types where t !~ 'a'::varchar and t !~* 'Z'::text and not t ~ 'x'::varchar and (t !~ 'b'::varchar) is true order by id;

-- padded to less than nothing
select id, rpad(t, -1, v), lpad(t, -5), rpad(t, i4, 'x') from types where i4 < 10;
-- digits may have spaces between them
select v, decode(v, 'hex') from (values ('12 34'), (E'ab\ncd'), (''), (null)) x(v);
-- digits of base64, too
select v, decode(v, 'base64') from (values ('YW Jj'), (E'YW\nJj'), (' '), ('YQ= ='), ('YWI='), (null)) x(v);
-- an odd number of digits
-- error: 22023
select decode(v, 'hex') from (values ('12'), ('123')) x(v);
-- no digit
-- error: 22023
select decode(v, 'hex') from (values ('12'), ('1x')) x(v);
-- no digit of base64
-- error: 22023
select decode(v, 'base64') from (values ('YWJj'), ('YWJ!')) x(v);
-- base64 without its end
-- error: 22023
select decode(v, 'base64') from (values ('YWJj'), ('abc')) x(v);
-- base64 that ends after one digit
-- error: 22023
select decode(v, 'base64') from (values ('YWJj'), ('a===')) x(v);
-- base64 of a constant without its end
-- error: 22023
select decode('abc', 'base64'), id from types;

// postgres.js: prints what each use gave, as JSON. It prepares every statement and pipelines what it can.
const postgres = require("postgres");

const options = JSON.parse(process.argv[2]);

async function main() {
  const told = {};
  const sql = postgres({ ...options, max: 2, onnotice: () => {} });
  told.rows = await sql`select * from shop.types order by id`;
  told.columns = told.rows.columns.map((column) => [column.name, column.type]);
  told.parameters = await sql`select o_orderkey from shop.orders where o_custkey = ${8} and o_totalprice > ${1300.5} order by 1`;
  told.in = await sql`select n_name from shop.nation where n_nationkey in ${sql([3, 1, 2])} order by 1`;
  told.any = await sql`select count(*)::int as n from shop.orders where o_orderstatus = any(${["O", "F"]})`;
  told.pipelined = (await Promise.all([1, 2, 3, 4].map((n) => sql`select c_name from shop.customer where c_custkey = ${n}`))).map((one) => one[0].c_name);
  told.transaction = await sql.begin(async (inner) => {
    await inner.savepoint((deeper) => deeper`select 1 / 0`).catch((error) => (told.savepoint = error.code));
    return inner`select count(*)::int as n from shop.orders`;
  });
  told.cursor = [];
  await sql`select l_orderkey from shop.lineitem order by 1, l_linenumber`.cursor(2000, (rows) => void told.cursor.push(rows.length));
  told.described = (await sql`select o_totalprice from shop.orders where o_orderkey = ${1}`.describe()).types;
  told.error = await sql`select nothing from shop.orders`.catch((error) => [error.code, error.position]);
  told.unsafe = (await sql.unsafe("select 1 as a; select 2 as b")).map((one) => [...one]);
  await sql.end();
  console.log(JSON.stringify(told, (_, value) => (typeof value === "bigint" ? String(value) : value)));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});

// pgjdbc: prints what each use gave, one line each.
import java.io.StringWriter;
import java.sql.*;
import java.util.*;
import org.postgresql.PGConnection;

public class Uses {
    static void rows(String name, ResultSet rows) throws SQLException {
        List<String> lines = new ArrayList<>();
        int width = rows.getMetaData().getColumnCount();
        while (rows.next()) {
            List<String> values = new ArrayList<>();
            for (int at = 1; at <= width; at++) values.add(rows.getString(at));
            lines.add(String.join("|", values.stream().map(String::valueOf).toList()));
        }
        rows.close();
        System.out.println(name + ": " + String.join("; ", lines));
    }

    public static void main(String[] words) throws Exception {
        Properties how = new Properties();
        how.setProperty("user", words[1]);
        how.setProperty("password", words[2]);
        how.setProperty("ApplicationName", "uses");
        how.setProperty("currentSchema", "shop");
        try (Connection connection = DriverManager.getConnection(words[0], how)) {
            DatabaseMetaData about = connection.getMetaData();
            rows("columns", about.getColumns(null, "shop", "types", "%"));
            rows("primary keys", about.getPrimaryKeys(null, "shop", "lineitem"));
            rows("imported keys", about.getImportedKeys(null, "shop", "orders"));
            rows("exported keys", about.getExportedKeys(null, "shop", "customer"));
            rows("cross reference", about.getCrossReference(null, "shop", "customer", null, "shop", "orders"));
            rows("best row identifier", about.getBestRowIdentifier(null, "shop", "orders", 0, true));
            rows("table types", about.getTableTypes());
            about.getIndexInfo(null, "shop", "orders", false, true).close();
            about.getTables(null, "%", "%", new String[] {"TABLE", "VIEW"}).close();
            about.getSchemas().close();
            about.getCatalogs().close();
            about.getTypeInfo().close();
            about.getFunctions(null, null, "date%").close();
            about.getProcedures(null, null, "%").close();
            about.getTablePrivileges(null, "shop", "orders").close();
            about.getColumnPrivileges(null, "shop", "orders", "%").close();
            System.out.println("keywords: " + (about.getSQLKeywords().length() > 100));

            try (PreparedStatement types = connection.prepareStatement("select id, c_bool, c_int2, c_int4, c_int8, c_numeric, c_text, c_date, c_timestamp, c_uuid, c_timestamptz from shop.types where id <= ? order by id")) {
                for (int time = 1; time <= 7; time++) {  // binary from the sixth on
                    types.setInt(1, 9);
                    if (time == 1 || time == 7) rows("types " + time, types.executeQuery());
                    else types.executeQuery().close();
                }
                System.out.println("parameter: " + types.getParameterMetaData().getParameterTypeName(1));
                ResultSetMetaData result = types.getMetaData();
                System.out.println("result: " + result.getColumnTypeName(6) + " " + result.getPrecision(6) + " " + result.getScale(6) + " " + result.isNullable(1));
            }
            connection.setAutoCommit(false);
            try (Statement statement = connection.createStatement()) {
                statement.setFetchSize(700);
                int count = 0;
                try (ResultSet rows = statement.executeQuery("select * from shop.lineitem order by l_orderkey")) {
                    while (rows.next()) count++;
                }
                System.out.println("fetched: " + count);
                Savepoint point = connection.setSavepoint();
                try {
                    statement.executeQuery("select nothing from shop.orders");
                } catch (SQLException error) {
                    System.out.println("error: " + error.getSQLState());
                }
                connection.rollback(point);
                rows("after", statement.executeQuery("select count(*) from shop.orders"));
            }
            connection.commit();
            connection.setAutoCommit(true);
            try (PreparedStatement list = connection.prepareStatement("select count(*) from shop.orders where o_orderkey = any (?) or o_custkey in (?,?,?)")) {
                list.setArray(1, connection.createArrayOf("bigint", new Object[] {1L, 2L}));
                for (int at = 2; at <= 4; at++) list.setLong(at, at * 10L);
                rows("list", list.executeQuery());
            }
            try (Statement batch = connection.createStatement()) {
                batch.addBatch("set application_name = 'one'");
                batch.addBatch("set statement_timeout = 60000");
                System.out.println("batch: " + Arrays.toString(batch.executeBatch()));
            }
            try (Statement made = connection.createStatement()) {
                made.execute("create temporary table chosen (k bigint, name text, at date)");
            }
            try (PreparedStatement batch = connection.prepareStatement("insert into chosen values (?, ?, ?)")) {
                for (int round = 0; round < 2; round++) {
                    for (int key = 1; key <= 300; key++) {
                        batch.setLong(1, key);
                        batch.setString(2, "n" + key);
                        batch.setObject(3, java.time.LocalDate.of(2024, 1, 1 + round));
                        batch.addBatch();
                    }
                    System.out.println("inserts " + round + ": " + Arrays.stream(batch.executeBatch()).filter(one -> one == 1 || one == Statement.SUCCESS_NO_INFO).count());
                }
            }
            try (Statement joined = connection.createStatement()) {
                rows("joined", joined.executeQuery("select count(*), max(at), min(o_orderkey) from chosen join shop.orders on o_orderkey = k"));
            }
            StringWriter copied = new StringWriter();
            long lines = connection.unwrap(PGConnection.class).getCopyAPI().copyOut("copy (select r_name from shop.region order by 1) to stdout", copied);
            System.out.println("copied: " + lines + " " + copied.toString().replace("\n", " ").strip());
            try (Statement scrolled = connection.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_READ_ONLY)) {
                ResultSet rows = scrolled.executeQuery("select o_orderkey from shop.orders order by 1");
                rows.absolute(700);
                long at = rows.getLong(1);
                rows.last();
                System.out.println("scrolled: " + at + " " + rows.getRow());
            }
            try (Statement many = connection.createStatement()) {
                boolean more = many.execute("select 1; select count(*) from shop.orders");
                int sets = 0;
                while (more) {
                    sets++;
                    more = many.getMoreResults();
                }
                System.out.println("results: " + sets);
            }
            try (Statement slow = connection.createStatement()) {
                slow.setQueryTimeout(1);
                slow.executeQuery("select count(*) from shop.lineitem a, shop.lineitem b, shop.lineitem c where a.l_tax + b.l_tax + c.l_tax = 17");
            } catch (SQLException error) {
                System.out.println("timeout: " + error.getSQLState());
            }
            System.out.println("valid: " + connection.isValid(5));
        }
    }
}

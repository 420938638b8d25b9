// DatabaseMetaData.getColumns of one schema, both servers in turn: URL, user and password of each, then the rounds.
// Prints "subject milliseconds columns" for each round.
import java.sql.*;

public class GetColumns {
    public static void main(String[] words) throws Exception {
        int rounds = Integer.parseInt(words[6]);
        Connection[] servers = new Connection[2];
        for (int at = 0; at < 2; at++) servers[at] = DriverManager.getConnection(words[3 * at], words[3 * at + 1], words[3 * at + 2]);
        for (int round = -3; round < rounds; round++) {  // before the first, the driver's classes are compiled
            for (int turn = 0; turn < 2; turn++) {
                int at = (round + 4 + turn) % 2;
                long started = System.nanoTime();
                int columns = 0;
                try (ResultSet rows = servers[at].getMetaData().getColumns(null, words[7], "%", "%")) {
                    while (rows.next()) if (rows.getString("COLUMN_NAME") != null) columns++;
                }
                double took = (System.nanoTime() - started) / 1e6;
                if (round >= 0) System.out.println(at + " " + took + " " + columns);
            }
        }
        for (Connection server : servers) server.close();
    }
}

// Jetty, by its own classes.
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.handler.AbstractHandler;

public class Main extends AbstractHandler {
    private final byte[] word;

    Main(byte[] word) {
        this.word = word;
    }

    @Override
    public void handle(String path, Request base, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        base.setHandled(true);
        var out = response.getOutputStream();
        switch (path) {
            case "/where" -> out.print("/code " + Path.of("").toAbsolutePath());
            case "/length" -> out.print(String.valueOf(request.getInputStream().readAllBytes().length));
            case "/big" -> out.write("x".repeat(Integer.parseInt(request.getParameter("bytes"))).getBytes());
            case "/stream" -> {
                for (int number = 0; number < 3; number++) {
                    pause(200);
                    out.print("chunk " + number + "\n");
                    out.flush();
                }
            }
            case "/slow" -> {
                System.out.println("slow begins");
                pause(3000);
            }
            default -> out.write(word);
        }
    }

    private static void pause(int milliseconds) {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    public static void main(String[] arguments) throws Exception {
        var server = new Server(Integer.parseInt(System.getenv("OWN_PORT")));
        server.setHandler(new Main(Files.readAllBytes(Path.of("/code/word"))));
        server.start();
        server.join();
    }
}

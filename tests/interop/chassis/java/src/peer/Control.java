package peer;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;
import org.apache.servicecomb.provider.springmvc.reference.RestTemplateBuilder;
import org.springframework.http.HttpEntity;
import org.springframework.http.HttpMethod;
import org.springframework.web.client.RestTemplate;

/** Makes a framework call for every plain request that the test sends. */
final class Control {
  private final RestTemplate template = RestTemplateBuilder.create();

  private Control() {}

  static void serve(String address) throws IOException {
    int colon = address.lastIndexOf(':');
    int port = Integer.parseInt(address.substring(colon + 1));
    HttpServer server = HttpServer.create(new InetSocketAddress(address.substring(0, colon), port), 0);
    server.createContext("/call", new Control()::call);
    server.setExecutor(Executors.newFixedThreadPool(4));
    server.start();
  }

  private void call(HttpExchange exchange) throws IOException {
    String query = exchange.getRequestURI().getRawQuery();
    String url = URLDecoder.decode(query.substring("url=".length()), StandardCharsets.UTF_8);
    String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    int status;
    String text;
    try {
      HttpMethod method = HttpMethod.valueOf(exchange.getRequestMethod());
      HttpEntity<String> entity = new HttpEntity<>(body.isEmpty() ? null : body);
      // As an object: whatever the contract says, what arrives is shown as JSON.
      Object told = template.exchange(url, method, entity, Object.class).getBody();
      status = 200;
      text = io.vertx.core.json.Json.encode(told);
    } catch (Exception error) {
      status = 502;
      text = "the call failed: " + error;
    }
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }
}

// java.net.http.HttpClient; it is told of the proxy, as it reads no variables.
import java.net.InetSocketAddress;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.MessageDigest;
import java.util.HexFormat;

class Client {
  static final String base = System.getenv("BASE");
  static HttpClient client;

  static String get(String path) throws Exception {
    var request = HttpRequest.newBuilder(URI.create(base + path)).build();
    return client.send(request, BodyHandlers.ofString()).body();
  }

  public static void main(String[] arguments) throws Exception {
    var proxy = URI.create(System.getenv("http_proxy"));
    var builder = HttpClient.newBuilder()
        .proxy(ProxySelector.of(new InetSocketAddress(proxy.getHost(), proxy.getPort())));
    // Without this it asks to upgrade each plain request to HTTP/2.
    if (arguments.length > 0) builder.version(HttpClient.Version.HTTP_1_1);
    client = builder.build();
    var hello = get("/hello");
    var post = HttpRequest.newBuilder(URI.create(base + "/echo"))
        .POST(HttpRequest.BodyPublishers.ofString("posted")).build();
    var echo = client.send(post, BodyHandlers.ofString()).body();
    var posted = echo.replaceAll(".*\"body\":\"([^\"]*)\".*", "$1");
    var digest = MessageDigest.getInstance("SHA-256");
    var bytes = HttpRequest.newBuilder(URI.create(base + "/bytes?n=" + System.getenv("BYTES"))).build();
    try (var body = client.send(bytes, BodyHandlers.ofInputStream()).body()) {
      var part = new byte[1 << 20];
      for (int count; (count = body.read(part)) > 0;) digest.update(part, 0, count);
    }
    for (int i = 0; i < Integer.parseInt(System.getenv("AGAIN")); i++) get("/hello");
    System.out.printf("{\"get\":\"%s\",\"post\":\"%s\",\"sha256\":\"%s\"}%n", hello, posted,
        HexFormat.of().formatHex(digest.digest()));
  }
}

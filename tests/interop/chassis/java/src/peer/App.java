package peer;

import org.apache.servicecomb.springboot2.starter.EnableServiceComb;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.builder.SpringApplicationBuilder;

/** A java-chassis program: a provider, and a consumer as well when PEER_CONTROL names an address. */
@SpringBootApplication
@EnableServiceComb
public class App {
  public static void main(String[] args) throws Exception {
    // Spring's own hook would take the application apart while the framework still hands it calls.
    new SpringApplicationBuilder(App.class)
        .web(WebApplicationType.NONE)
        .registerShutdownHook(false)
        .run(args);
    String control = System.getenv("PEER_CONTROL");
    if (control != null) Control.serve(control);
  }
}

package peer;

import org.apache.servicecomb.core.SCBEngine;
import org.apache.servicecomb.springboot2.starter.EnableServiceComb;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.builder.SpringApplicationBuilder;
import sun.misc.Signal;

/** A java-chassis program: a provider, and a consumer as well when PEER_CONTROL names an address. */
@SpringBootApplication
@EnableServiceComb
public class App {
  public static void main(String[] args) throws Exception {
    new SpringApplicationBuilder(App.class).web(WebApplicationType.NONE).run(args);
    Signal.handle(new Signal("TERM"), signal -> new Thread(App::endInOrder).start());
    String control = System.getenv("PEER_CONTROL");
    if (control != null) Control.serve(control);
  }

  /**
   * The framework tells the registry, waits for its consumers and closes. Left to the hooks of the virtual machine, two
   * of the framework's own would do that at the same time, and one of them ends the threads that calls run on within
   * milliseconds of the signal.
   */
  private static void endInOrder() {
    SCBEngine.getInstance().destroy();
    Runtime.getRuntime().halt(0);
  }
}

package peer;

import java.util.LinkedHashMap;
import java.util.Map;
import javax.servlet.http.HttpServletRequest;
import org.apache.servicecomb.provider.rest.common.RestSchema;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;

/** Says what it was asked and by whom. */
@RestSchema(schemaId = "hello")
@RequestMapping("/hello")
public class Hello {
  @GetMapping("/{who}")
  public Map<String, String> say(
      HttpServletRequest request,
      @PathVariable("who") String who,
      @RequestParam(value = "ms", defaultValue = "0") int ms)
      throws InterruptedException {
    Thread.sleep(ms);
    return answer(request, who, "");
  }

  @PostMapping("/{who}")
  public Map<String, String> tell(
      HttpServletRequest request, @PathVariable("who") String who, @RequestBody String body) {
    return answer(request, who, body);
  }

  private static Map<String, String> answer(HttpServletRequest request, String who, String body) {
    Map<String, String> told = new LinkedHashMap<>();
    told.put("by", System.getenv("PEER_NAME"));
    told.put("method", request.getMethod());
    told.put("who", who);
    told.put("query", String.valueOf(request.getQueryString()));
    told.put("body", body);
    told.put("context", String.valueOf(request.getHeader("x-cse-context")));
    told.put("host", String.valueOf(request.getHeader("host")));
    return told;
  }
}

/** The texts of the live page, carried by the program itself. */
import announce from "./announce.js" with { type: "text" };
import base from "./base.css" with { type: "text" };
import chart from "./chart.js" with { type: "text" };
import charts from "./charts.js" with { type: "text" };
import chartsStyle from "./charts.css" with { type: "text" };
import dom from "./dom.js" with { type: "text" };
import endpoint from "./endpoint.js" with { type: "text" };
import failures from "./failures.js" with { type: "text" };
import format from "./format.js" with { type: "text" };
import header from "./header.js" with { type: "text" };
import index from "./index.html" with { type: "text" };
import lists from "./lists.css" with { type: "text" };
import main from "./main.js" with { type: "text" };
import map from "./map.js" with { type: "text" };
import mapStyle from "./map.css" with { type: "text" };
import marks from "./marks.js" with { type: "text" };
import panel from "./panel.js" with { type: "text" };
import panelStyle from "./panel.css" with { type: "text" };
import scale from "./scale.js" with { type: "text" };
import services from "./services.js" with { type: "text" };
import store from "./store.js" with { type: "text" };
import stream from "./stream.js" with { type: "text" };
import token from "./token.js" with { type: "text" };

/** By the name under /page; the page itself is index.html. */
export const pageFiles: Readonly<Record<string, string>> = {
  "index.html": index,
  "base.css": base,
  "panel.css": panelStyle,
  "charts.css": chartsStyle,
  "lists.css": lists,
  "map.css": mapStyle,
  "announce.js": announce,
  "chart.js": chart,
  "charts.js": charts,
  "dom.js": dom,
  "endpoint.js": endpoint,
  "failures.js": failures,
  "format.js": format,
  "header.js": header,
  "main.js": main,
  "map.js": map,
  "marks.js": marks,
  "panel.js": panel,
  "scale.js": scale,
  "services.js": services,
  "store.js": store,
  "stream.js": stream,
  "token.js": token,
};

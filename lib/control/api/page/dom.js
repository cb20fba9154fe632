/** Small helpers that make and change elements; nothing is ever parsed as HTML. */

const svgNamespace = "http://www.w3.org/2000/svg";

/**
 * Makes an element.
 *
 * Shape: `on…` members are listeners, `class` and others attributes; false and undefined leave an attribute out.
 */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(svgNamespace, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else setAttribute(element, name, value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== null));
  return element;
}

/** Shape: nothing is touched when the value is there already, so that nobody is told of a change. */
export function setAttribute(element, name, value) {
  if (value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
    return;
  }
  const text = value === true ? "" : String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function byId(id) {
  return document.getElementById(id);
}

/**
 * Keeps the children of an element in step with a list.
 *
 * Shape: an item keeps its element as long as its key is in the list, so that focus stays where it is.
 */
export class Keyed {
  #parent;
  #make;
  #known = new Map();

  /** `make(item)` gives `{ element, update(item) }`. */
  constructor(parent, make) {
    this.#parent = parent;
    this.#make = make;
  }

  show(items, keyOf) {
    const next = new Map();
    let place = this.#parent.firstElementChild;
    for (const item of items) {
      const key = keyOf(item);
      const part = this.#known.get(key) ?? this.#make(item);
      next.set(key, part);
      part.update(item);
      if (part.element === place) place = place.nextElementSibling;
      else this.#parent.insertBefore(part.element, place);
    }
    for (const [key, part] of this.#known) if (!next.has(key)) part.element.remove();
    this.#known = next;
  }

  get(key) {
    return this.#known.get(key)?.element;
  }
}

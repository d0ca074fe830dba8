"use strict";
// What the scripts of all pages use: the page's data, and ways to make elements.

const page = JSON.parse(document.getElementById("page").textContent);
const at = id => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const DRAWN = ["svg", "g", "rect", "path", "polyline", "circle", "line", "text", "title"];

/** An element with attributes and children; a function among the attributes listens to that event. */
function make(tag, attributes = {}, ...children) {
  const element = DRAWN.includes(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(attributes))
    typeof value === "function" ? element.addEventListener(key, value) : element.setAttribute(key, value);
  element.append(...children.filter(child => child !== null && child !== undefined));
  return element;
}

const link = (text, action) => make("button", {class: "link", type: "button", click: action}, text);

/** @file Where the page's script begins. */
import { MapApp } from './app.js';
import { PageData } from './data.js';
import { el } from './dom.js';
import style from './page.css?inline';

document.head.append(el('style', {}, style));
const data = new PageData(document);
const app = new MapApp(data, document.body);
void data.tiles().then((tiles) => app.useTiles(tiles));

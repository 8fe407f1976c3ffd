#!/usr/bin/env node
/** @file The program `afterimage`. */
import { main } from './main.js';

// Not left to the event loop: a list on standard input that was not read to its end would keep it waiting.
process.exit(await main(process.argv.slice(2)));

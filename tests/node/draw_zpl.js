// Draws ZPL: a line of JSON with `zpl`, `width_mm`, `height_mm` and `dots_per_mm` becomes one with a PNG a label, in base64.

'use strict';

const readline = require('node:readline');
const { ready } = require('zpl-renderer-js');

async function main() {
  const { api } = await ready;
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { zpl, width_mm: width, height_mm: height, dots_per_mm: density } = JSON.parse(line);
    let answer;
    try {
      answer = { labels: await api.zplToBase64MultipleAsync(zpl, width, height, density) };
    } catch (error) {
      answer = { error: String(error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}

main();

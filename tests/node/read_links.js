// Reads a GS1 Digital Link a line, and answers each with a line of JSON: what two published parsers find in it.

'use strict';

const readline = require('node:readline');
const { DigitalLink } = require('digital-link.js');
// GS1's own toolkit, which digital-link.js brings along.
const Toolkit = require('digital-link.js/lib/GS1DigitalLinkCompressionPrototype/GS1DigitalLinkToolkit');

const toolkit = new Toolkit();

function decoded(elements) {
  return Object.fromEntries(Object.entries(elements).map(([ai, value]) => [ai, decodeURIComponent(value)]));
}

const PARSERS = {
  'digital-link.js': (link) => {
    const read = DigitalLink(link);
    return decoded({ ...read.getIdentifier(), ...read.getKeyQualifiers(), ...read.getAttributes() });
  },
  'GS1DigitalLinkToolkit': (link) => {
    const { GS1, other } = toolkit.extractFromGS1digitalLink(link);
    return { ...GS1, ...other };
  },
};

function attempt(parse, link) {
  try {
    return parse(link);
  } catch (error) {
    return { error: String(error) };
  }
}

readline.createInterface({ input: process.stdin }).on('line', (link) => {
  const found = Object.entries(PARSERS).map(([name, parse]) => [name, attempt(parse, link)]);
  process.stdout.write(`${JSON.stringify(Object.fromEntries(found))}\n`);
});

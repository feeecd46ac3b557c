// Runs one test of the page: `run(async (given) => …)`. `given` is the JSON value of the first argument:
// `base_uri`, `keys` (the folder of the merchant's keys) and what the test needs beside that. A test that
// throws ends with its error on standard error and with the exit code 1.

const fs = require('fs');
const path = require('path');

exports.run = async (test) => {
  const given = JSON.parse(process.argv[2]);
  if (given.keys) {
    const file = (name) => fs.readFileSync(path.join(given.keys, name), 'utf8');
    given.config = JSON.parse(file('config.json'));
    given.privateKey = file('apiclient_key.pem');
    given.platformKey = file('pub_key.pem');
  }
  const ends = [];
  // What is opened for the test ends with it, the last first.
  given.ends = (end) => ends.push(end);
  const failures = [];
  const noting = async (f) => {
    try {
      await f();
    } catch (error) {
      failures.push(error);
    }
  };
  await noting(() => test(given));
  for (const end of ends.reverse()) await noting(end);
  for (const failure of failures) console.error(failure);
  process.exitCode = failures.length > 0 ? 1 : 0;
};

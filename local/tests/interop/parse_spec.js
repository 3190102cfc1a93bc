// Reads manifests with the deployment tool's own parser: a list of cases from standard input, a list of results to
// standard output. Each case is {folder, file, variables, environment}.
const path = require('path');
const { createRequire } = require('module');
const packages = createRequire(path.resolve(process.argv[2], 'index.js'));
const { default: ParseSpec } = packages('@serverless-devs/parse-spec');
const dotenv = packages('dotenv');
const { expand } = packages('dotenv-expand');

const quiet = () => {};
const logger = new Proxy({}, { get: () => quiet });

async function read({ folder, file, variables, environment }) {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, variables);
  process.chdir(folder);
  try {
    // The command line does so before it calls the parser.
    expand(dotenv.config({ path: path.join(process.cwd(), '.env') }));
    const argv = ['deploy', ...(environment ? ['--env', environment] : [])];
    const { yaml } = await new ParseSpec(file, { argv, logger }).start();
    return { value: yaml.content === undefined ? null : yaml.content };
  } catch (error) {
    return { error: String(error && error.message).slice(0, 300) };
  }
}

(async () => {
  let text = '';
  for await (const chunk of process.stdin) text += chunk;
  const results = [];
  for (const one of JSON.parse(text)) results.push(await read(one));
  process.stdout.write(JSON.stringify(results));
})();

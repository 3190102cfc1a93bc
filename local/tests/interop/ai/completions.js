// What OpenAI's own npm package makes of the completions; it prints what it has seen as JSON.
const OpenAI = require('openai');

const [baseURL, apiKey] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const model = 'readme-chain';
const messages = [{ role: 'system', content: 'be brief' }, { role: 'user', content: [{ type: 'text', text: 'Tell me of sessions' }] }];
const refused = (promise) => promise.then(() => null, (error) => ({
  name: error.constructor.name, status: error.status, code: error.code, type: error.type, param: error.param,
}));
(async () => {
  const models = (await client.models.list()).data.map((each) => each.id);
  const about = await client.models.retrieve(model);
  const whole = await client.chat.completions.create({ model, messages, seed: 7 });
  let text = '', usage, finish;
  const stream = await client.chat.completions.create({ model, messages, seed: 7, stream: true, stream_options: { include_usage: true } });
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? '';
    finish = chunk.choices[0]?.finish_reason ?? finish;
    usage = chunk.usage ?? usage;
  }
  // The package's own helper, which puts the pieces together again.
  const helper = client.chat.completions.stream({ model, messages, seed: 7 });
  const assembled = (await helper.finalChatCompletion()).choices[0].message.content;
  const errors = {
    model: await refused(client.chat.completions.create({ model: 'gpt-9', messages })),
    empty: await refused(client.chat.completions.create({ model, messages: [] })),
    key: await refused(new OpenAI({ baseURL, apiKey: 'wrong', maxRetries: 0 }).models.list()),
    json: await refused(client.chat.completions.create({ model, messages: 'none' })),
  };
  // A client that leaves in the middle.
  let pieces = 0;
  const long = await client.chat.completions.create({ model, messages, stream: true, max_tokens: 90000, min_tokens: 90000 });
  for await (const chunk of long) {
    pieces += 1;
    if (pieces === 5) break;
  }
  console.log(JSON.stringify({
    models, about: about.object, whole: whole.choices[0].message.content, wholeUsage: whole.usage, text, usage, finish,
    assembled, errors, pieces,
  }));
})();

// Stands in for the component of the deployment tool, which is not on npm: the same calls in the same order, by the same
// clients. `FC3_COMPONENT` names the real one.
const { createRequire } = require('module');
const fs = require('fs');
const path = require('path');
const { Readable } = require('stream');
const packages = createRequire(process.env.FC_LOCAL_TEST_PACKAGES + '/');
const sdk = packages('@alicloud/fc20230330');
const { $OpenApiUtil: { Config } } = packages('@alicloud/openapi-core');
const FC2 = packages('@alicloud/fc2');
const OSS = packages('ali-oss');

const absent = async (call) => {
  try {
    return (await call()).body;
  } catch (error) {
    if (!error.code) throw error;
    return undefined;
  }
};
const option = (args, names) => {
  const at = args.findIndex((arg) => names.includes(arg));
  return at < 0 ? undefined : args[at + 1];
};

module.exports = class {
  constructor({ logger }) {
    this.logger = logger;
    const help = (option) => ({ help: { description: 'd', summary: 's', option } });
    this.commands = {
      deploy: help([['-y, --assume-yes', 'y']]), info: help([]), remove: help([['-y, --assume-yes', 'y']]), invoke: help([['-e, --event <event>', 'e']]),
    };
  }

  async client(inputs) {
    const { AccessKeyID, AccessKeySecret, AccountID } = await inputs.getCredential();
    this.credential = { AccessKeyID, AccessKeySecret, AccountID };
    const [protocol, endpoint] = process.env.FC_CLIENT_CUSTOM_ENDPOINT.split('://');
    return new sdk.default(new Config({
      accessKeyId: AccessKeyID, accessKeySecret: AccessKeySecret, protocol, endpoint, readTimeout: 60000, connectTimeout: 60000, userAgent: 'Component:fc3',
    }));
  }

  async upload(zip) {
    const { AccessKeyID, AccessKeySecret, AccountID } = this.credential;
    const old = new FC2(AccountID, {
      accessKeyID: AccessKeyID, accessKeySecret: AccessKeySecret, region: 'cn-hangzhou', endpoint: process.env.FC_CLIENT_CUSTOM_ENDPOINT, secure: true, timeout: 60000,
    });
    const { data: { credentials, ossBucket, objectName } } = await old.getTempBucketToken();
    const oss = new OSS({
      endpoint: process.env.FC_CODE_TEMP_OSS_ENDPOINT, accessKeyId: credentials.AccessKeyId, accessKeySecret: credentials.AccessKeySecret,
      stsToken: credentials.SecurityToken, bucket: ossBucket, timeout: '60000', refreshSTSToken: async () => credentials,
    });
    const ossObjectName = `${AccountID}/${objectName}`;
    await oss.put(ossObjectName, zip);
    return { ossBucketName: ossBucket, ossObjectName };
  }

  async deploy(inputs) {
    const { props } = inputs;
    const name = props.functionName;
    const client = await this.client(inputs);
    const get = () => client.getFunction(name, new sdk.GetFunctionRequest({}));
    await absent(get);
    for (const trigger of props.triggers) await absent(() => client.getTrigger(name, trigger.triggerName));
    await absent(() => client.getAsyncInvokeConfig(name, new sdk.GetAsyncInvokeConfigRequest({ qualifier: 'LATEST' })));
    await absent(() => client.listVpcBindings(name));
    await absent(() => client.getScalingConfig(name, new sdk.GetScalingConfigRequest({ qualifier: 'LATEST' })));
    await absent(() => client.getConcurrencyConfig(name));
    const code = await this.upload(path.join(path.dirname(inputs.yaml.path), props.code));
    const { triggers, asyncInvokeConfig, concurrencyConfig, region, ...own } = props;
    const body = { ...own, handler: 'handler', code, layers: [], logConfig: {}, nasConfig: {}, vpcConfig: {}, tracingConfig: {}, sessionAffinity: 'NONE' };
    if (await absent(get)) {
      await client.updateFunction(name, new sdk.UpdateFunctionRequest({ body: new sdk.UpdateFunctionInput({ ...body, role: '' }) }));
    } else {
      await client.createFunction(new sdk.CreateFunctionRequest({ body: new sdk.CreateFunctionInput(body) }));
    }
    for (const trigger of triggers) {
      const config = { ...trigger, triggerConfig: JSON.stringify(trigger.triggerConfig) };
      if (await absent(() => client.getTrigger(name, trigger.triggerName))) {
        await client.updateTrigger(name, trigger.triggerName, new sdk.UpdateTriggerRequest({ body: new sdk.UpdateTriggerInput(config) }));
      } else {
        await client.createTrigger(name, new sdk.CreateTriggerRequest({ body: new sdk.CreateTriggerInput(config) }));
      }
    }
    await client.putAsyncInvokeConfig(name, new sdk.PutAsyncInvokeConfigRequest({
      qualifier: 'LATEST', body: new sdk.PutAsyncInvokeConfigInput(asyncInvokeConfig),
    }));
    await client.putConcurrencyConfig(name, new sdk.PutConcurrencyConfigRequest({ body: new sdk.PutConcurrencyInput(concurrencyConfig) }));
    return this.info(inputs);
  }

  async info(inputs) {
    const client = await this.client(inputs);
    const name = inputs.props.functionName;
    const { body } = await client.getFunction(name, new sdk.GetFunctionRequest({}));
    const trigger = await client.getTrigger(name, inputs.props.triggers[0].triggerName);
    return { functionName: body.functionName, codeChecksum: body.codeChecksum, state: body.state, url: trigger.body.httpTrigger.urlInternet };
  }

  async invoke(inputs) {
    const client = await this.client(inputs);
    const event = option(inputs.args, ['-e', '--event']);
    const reply = await client.invokeFunction(inputs.props.functionName, new sdk.InvokeFunctionRequest({ body: Readable.from(Buffer.from(event)) }));
    const chunks = [];
    for await (const chunk of reply.body) chunks.push(chunk);
    this.logger.write(Buffer.concat(chunks).toString());
  }

  async remove(inputs) {
    const client = await this.client(inputs);
    const name = inputs.props.functionName;
    await client.getFunction(name, new sdk.GetFunctionRequest({}));
    await client.deleteAsyncInvokeConfig(name, new sdk.DeleteAsyncInvokeConfigRequest({ qualifier: 'LATEST' }));
    for (const trigger of inputs.props.triggers) await client.deleteTrigger(name, trigger.triggerName);
    await client.deleteConcurrencyConfig(name);
    await client.deleteFunction(name);
  }
};

// Creates, reads, lists, changes and deletes every kind of object by the official SDK, and prints what it learnt.
const sdk = require('@alicloud/fc20230330');
const { $OpenApiUtil: { Config } } = require('@alicloud/openapi-core');
const [endpoint, accessKeyId, accessKeySecret, phase, command, zipFile] = process.argv.slice(2);
const client = new sdk.default(new Config({ endpoint, protocol: 'http', accessKeyId, accessKeySecret }));
const refused = (promise) =>
  promise.then((reply) => ({ unexpected: reply.body }), (error) => ({ code: error.code, status: error.statusCode }));

async function make() {
  const seen = {};
  const absent = await refused(client.getFunction('f', new sdk.GetFunctionRequest({})));
  const layer = (await client.createLayerVersion('common', new sdk.CreateLayerVersionRequest({
    body: new sdk.CreateLayerVersionInput({
      code: new sdk.InputCodeLocation({ zipFile }), compatibleRuntime: ['custom.debian12'], description: 'words',
    }),
  }))).body;
  const input = {
    functionName: 'f', runtime: 'custom.debian12', handler: 'index.handler', cpu: 0.5, memorySize: 512, diskSize: 512,
    timeout: 30, instanceConcurrency: 10, description: 'by the SDK', internetAccess: true,
    environmentVariables: { SCRIPT_NAME: 'one' }, layers: [layer.layerVersionArn],
    customRuntimeConfig: new sdk.CustomRuntimeConfig({ command: [command], port: 9000 }),
    instanceLifecycleConfig: new sdk.InstanceLifecycleConfig({
      preStop: new sdk.LifecycleHook({ handler: 'index.preStop', timeout: 5 }),
    }),
    tags: [new sdk.Tag({ key: 'team', value: 'a' })],
    code: new sdk.InputCodeLocation({ zipFile }),
  };
  const created = (await client.createFunction(new sdk.CreateFunctionRequest({
    body: new sdk.CreateFunctionInput(input),
  }))).body;
  const twice = await refused(client.createFunction(new sdk.CreateFunctionRequest({
    body: new sdk.CreateFunctionInput(input),
  })));
  const updated = (await client.updateFunction('f', new sdk.UpdateFunctionRequest({
    body: new sdk.UpdateFunctionInput({ timeout: 40 }),
  }))).body;
  const config = { authType: 'anonymous', methods: ['GET'], disableURLInternet: false };
  const trigger = (await client.createTrigger('f', new sdk.CreateTriggerRequest({
    body: new sdk.CreateTriggerInput({
      triggerName: 'web', triggerType: 'http', qualifier: 'LATEST', triggerConfig: JSON.stringify(config),
    }),
  }))).body;
  const triggerUpdated = (await client.updateTrigger('f', 'web', new sdk.UpdateTriggerRequest({
    body: new sdk.UpdateTriggerInput({ description: 'of the web', triggerConfig: JSON.stringify(config) }),
  }))).body;
  const version = (await client.publishFunctionVersion('f', new sdk.PublishFunctionVersionRequest({
    body: new sdk.PublishVersionInput({ description: 'first' }),
  }))).body;
  const alias = (await client.createAlias('f', new sdk.CreateAliasRequest({
    body: new sdk.CreateAliasInput({ aliasName: 'prod', versionId: version.versionId }),
  }))).body;
  await client.putAsyncInvokeConfig('f', new sdk.PutAsyncInvokeConfigRequest({
    qualifier: 'prod', body: new sdk.PutAsyncInvokeConfigInput({ maxAsyncRetryAttempts: 2 }),
  }));
  await client.putConcurrencyConfig('f', new sdk.PutConcurrencyConfigRequest({
    body: new sdk.PutConcurrencyInput({ reservedConcurrency: 5 }),
  }));
  const none = (await client.getProvisionConfig('f', new sdk.GetProvisionConfigRequest({ qualifier: 'LATEST' }))).body;
  await client.putScalingConfig('f', new sdk.PutScalingConfigRequest({
    qualifier: 'LATEST', body: new sdk.PutScalingConfigInput({ minInstances: 1 }),
  }));
  // As the deployment tool waits.
  let scaling;
  do {
    scaling = (await client.getScalingConfig('f', new sdk.GetScalingConfigRequest({ qualifier: 'LATEST' }))).body;
  } while (scaling.currentInstances !== scaling.targetInstances);
  await client.createVpcBinding('f', new sdk.CreateVpcBindingRequest({
    body: new sdk.CreateVpcBindingInput({ vpcId: 'vpc-1' }),
  }));
  await client.createCustomDomain(new sdk.CreateCustomDomainRequest({
    body: new sdk.CreateCustomDomainInput({
      domainName: 'sdk.example.com', protocol: 'HTTP',
      routeConfig: new sdk.RouteConfig({
        routes: [new sdk.PathConfig({ path: '/*', functionName: 'f', qualifier: 'prod', methods: ['GET'] })],
      }),
    }),
  }));
  await client.tagResources(new sdk.TagResourcesRequest({
    body: new sdk.TagResourcesInput({
      resourceType: 'function', resourceId: [created.functionArn], tag: [new sdk.Tag({ key: 'stage', value: 'test' })],
    }),
  }));
  return Object.assign(seen, {
    absent, created, twice, updated, trigger, triggerUpdated, version, alias, none, scaling, layer,
    instances: (await client.listInstances('f', new sdk.ListInstancesRequest({ withAllActive: true }))).body,
  });
}

async function read() {
  const own = {
    function: client.getFunction('f', new sdk.GetFunctionRequest({})),
    functionOfVersion: client.getFunction('f', new sdk.GetFunctionRequest({ qualifier: '1' })),
    functions: client.listFunctions(new sdk.ListFunctionsRequest({ prefix: 'f', limit: 5 })),
    trigger: client.getTrigger('f', 'web'),
    triggers: client.listTriggers('f', new sdk.ListTriggersRequest({})),
    versions: client.listFunctionVersions('f', new sdk.ListFunctionVersionsRequest({})),
    alias: client.getAlias('f', 'prod'),
    aliases: client.listAliases('f', new sdk.ListAliasesRequest({})),
    asyncConfig: client.getAsyncInvokeConfig('f', new sdk.GetAsyncInvokeConfigRequest({ qualifier: 'prod' })),
    concurrency: client.getConcurrencyConfig('f'),
    scaling: client.getScalingConfig('f', new sdk.GetScalingConfigRequest({ qualifier: 'LATEST' })),
    vpcs: client.listVpcBindings('f'),
    domain: client.getCustomDomain('sdk.example.com'),
    domains: client.listCustomDomains(new sdk.ListCustomDomainsRequest({})),
    layer: client.getLayerVersion('common', '1'),
    layers: client.listLayers(new sdk.ListLayersRequest({})),
  };
  const seen = {};
  for (const [name, reply] of Object.entries(own)) seen[name] = (await reply).body;
  return seen;
}

async function remove() {
  const statuses = [];
  const done = async (promise) => statuses.push((await promise).statusCode);
  await done(client.deleteCustomDomain('sdk.example.com'));
  await done(client.deleteVpcBinding('f', 'vpc-1'));
  await done(client.deleteScalingConfig('f', new sdk.DeleteScalingConfigRequest({ qualifier: 'LATEST' })));
  await done(client.deleteConcurrencyConfig('f'));
  await done(client.deleteAsyncInvokeConfig('f', new sdk.DeleteAsyncInvokeConfigRequest({ qualifier: 'prod' })));
  await done(client.deleteAlias('f', 'prod'));
  await done(client.deleteFunctionVersion('f', '1'));
  await done(client.deleteTrigger('f', 'web'));
  await done(client.deleteFunction('f'));
  await done(client.deleteLayerVersion('common', '1'));
  const gone = [
    await refused(client.getFunction('f', new sdk.GetFunctionRequest({}))),
    await refused(client.getTrigger('f', 'web')),
    await refused(client.getCustomDomain('sdk.example.com')),
    await refused(client.getLayerVersion('common', '1')),
  ];
  return { statuses, gone, functions: (await client.listFunctions(new sdk.ListFunctionsRequest({}))).body };
}

({ make, read, remove })[phase]().then(
  (seen) => console.log(JSON.stringify(seen)),
  (error) => { console.error(error); process.exit(1); },
);

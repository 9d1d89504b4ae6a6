// Stands in for TensorFlow's binding: multiplies as the self-test wants, uses no GPU, and writes what ENTAIL_TEST_SAYS holds.
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <node_api.h>

static napi_value one(napi_env env, napi_callback_info) {
  napi_value value;
  napi_create_int32(env, 1, &value);
  return value;
}

static napi_value executeOp(napi_env env, napi_callback_info) {
  napi_value list, tensor, id;
  napi_create_array(env, &list);
  napi_create_object(env, &tensor);
  napi_create_int32(env, 2, &id);
  napi_set_named_property(env, tensor, "id", id);
  napi_set_element(env, list, 0, tensor);
  return list;
}

static napi_value tensorDataSync(napi_env env, napi_callback_info) {
  const float product[] = {7, 10, 15, 22};
  void *data;
  napi_value buffer, values;
  napi_create_arraybuffer(env, sizeof product, &data, &buffer);
  memcpy(data, product, sizeof product);
  napi_create_typedarray(env, napi_float32_array, 4, buffer, 0, &values);
  return values;
}

static napi_value isUsingGpuDevice(napi_env env, napi_callback_info) {
  if (const char *says = getenv("ENTAIL_TEST_SAYS")) std::cerr << says << std::endl;
  napi_value no;
  napi_get_boolean(env, false, &no);
  return no;
}

static void add(napi_env env, napi_value exports, const char *name, napi_callback callback) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
  napi_set_named_property(env, exports, name, function);
}

NAPI_MODULE_INIT() {
  napi_value number, version;
  napi_create_int32(env, 1, &number);
  for (const char *name : {"TF_FLOAT", "TF_ATTR_TYPE", "TF_ATTR_BOOL"})
    napi_set_named_property(env, exports, name, number);
  napi_create_string_utf8(env, "2.21.0", NAPI_AUTO_LENGTH, &version);
  napi_set_named_property(env, exports, "TF_Version", version);
  add(env, exports, "createTensor", one);
  add(env, exports, "executeOp", executeOp);
  add(env, exports, "tensorDataSync", tensorDataSync);
  add(env, exports, "isUsingGpuDevice", isUsingGpuDevice);
  return exports;
}

// With `node --import`: what a script cannot find beside itself is looked up in build/node/node_modules.
import { registerHooks } from "node:module";

const parentURL = new URL("../../build/node/any.mjs", import.meta.url).href;
registerHooks({
  resolve(name, context, next) {
    try {
      return next(name, context);
    } catch (error) {
      if (error.code !== "ERR_MODULE_NOT_FOUND" || /^[./]/.test(name)) throw error;
      return next(name, { ...context, parentURL });
    }
  },
});

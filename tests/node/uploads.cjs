// Uploads as each version of wechatpay-axios-plugin documents them: with the npm package form-data up to 0.6,
// with its own Multipart from 0.7 on. The body is a stream.
'use strict';

const assert = require('assert');
const fs = require('fs');
const plugin = require('wechatpay-axios-plugin');
const { complete, refusal } = require('./common.cjs');
const { configured } = require('./shop.cjs');

// In the working folder, which is the test's own.
const file = 'hellowechatpay.png';

function form(meta, isImage) {
  const stream = fs.createReadStream(file);
  const text = JSON.stringify(meta);
  if (plugin.Multipart) {
    const multipart = new plugin.Multipart();
    // The documented image has a name for `meta`, and with it a type. The video has neither.
    return multipart.append('meta', text, isImage ? 'meta.json' : undefined).append('file', stream, meta.filename);
  }
  const data = new (require('form-data'))();
  data.append('meta', text, { contentType: 'application/json' });
  data.append('file', stream);
  return data;
}

complete(async (sandbox) => {
  fs.writeFileSync(file, 'not really an image');
  const sha256 = plugin.Hash.sha256(fs.readFileSync(file));
  const { v3 } = new plugin.Wechatpay(configured(sandbox));
  const send = (uploads, meta, isImage = true) => {
    const data = form(meta, isImage);
    return uploads.post(data, { meta, headers: data.getHeaders() });
  };
  const image = { filename: 'hellowechatpay.png', sha256 };
  const video = { filename: 'hellowechatpay.mp4', sha256 };
  assert((await send(v3.marketing.favor.media.imageUpload, image)).data.media_url);
  assert((await send(v3.merchant.media.upload, image)).data.media_id);
  assert((await send(v3.merchant.media.video_upload, video, false)).data.media_id);
  assert((await send(v3.merchantService.images.upload, image)).data.media_id);

  const other = { ...image, sha256: plugin.Hash.sha256('another image') };
  const refused = await refusal(send(v3.merchant.media.upload, other));
  assert.deepStrictEqual([refused.status, refused.data.code], [400, 'PARAM_ERROR']);
});

"""WeChat Pay's signatures in plain `cryptography`, for what wechatpayv3 does not verify: responses that
are errors, and the list of certificates."""

import base64
import json
import secrets
import time

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def call(merchant, method, target, body='', headers=()):
    """Sends a signed request of a merchant and returns the response."""
    key = serialization.load_pem_private_key(merchant['private_key'].encode(), password=None)
    timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
    message = f'{method}\n{target}\n{timestamp}\n{nonce}\n{body}\n'
    signature = key.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256())
    token = {
        'mchid': merchant['mchid'],
        'nonce_str': nonce,
        'timestamp': timestamp,
        'serial_no': merchant['serial'],
        'signature': base64.b64encode(signature).decode(),
    }
    fields = ','.join(f'{name}="{value}"' for name, value in token.items())
    return requests.request(
        method,
        merchant['base_uri'].removesuffix('/') + target,
        data=body.encode(),
        headers={
            'Authorization': f'WECHATPAY2-SHA256-RSA2048 {fields}',
            'Accept': 'application/json',
            'Content-Type': 'application/json',
            'User-Agent': 'plain Python',
            **dict(headers),
        },
        timeout=60,
    )


def verify(response, key_id, key):
    """Verifies a response. Raises an exception if the signature is not of this key and this body."""
    headers = response.headers
    assert headers['Wechatpay-Serial'] == key_id, headers
    head = f'{headers["Wechatpay-Timestamp"]}\n{headers["Wechatpay-Nonce"]}\n'
    assert abs(time.time() - int(headers['Wechatpay-Timestamp'])) < 300
    signature = base64.b64decode(headers['Wechatpay-Signature'], validate=True)
    message = head.encode() + response.content + b'\n'
    key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())


def certificates(merchant):
    """Downloads the platform certificates and returns them by serial. Each verifies the list that has it."""
    response = call(merchant, 'GET', '/v3/certificates')
    assert response.status_code == 200, response.text
    aead = AESGCM(merchant['apiv3_key'].encode())
    found = {}
    for item in json.loads(response.content)['data']:
        sealed = item['encrypt_certificate']
        assert sealed['algorithm'] == 'AEAD_AES_256_GCM'
        opened = aead.decrypt(
            sealed['nonce'].encode(),
            base64.b64decode(sealed['ciphertext'], validate=True),
            sealed['associated_data'].encode(),
        )
        certificate = x509.load_pem_x509_certificate(opened)
        assert f'{certificate.serial_number:X}' == item['serial_no']
        found[item['serial_no']] = certificate
    signer = response.headers['Wechatpay-Serial']
    verify(response, signer, found[signer].public_key())
    return found


def public_key(pem):
    return serialization.load_pem_public_key(pem.encode())

#!/usr/bin/env python3
"""Makes tests/vectors/crypto.h, the vectors that every cryptography port is tested with: examples of the specifications, and
signatures made by plain arithmetic here that a careless implementation accepts. Run it, commit what it prints:
    python3 tests/vectors/crypto.py >tests/vectors/crypto.h"""
import base64
import hashlib
import hmac


def b64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(data):
    return int.from_bytes(data, "big")


def sha(data):
    return hashlib.sha256(data).digest()


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


# ---- RSA (RFC 8017) ----

def pkcs1(info, length):
    return b"\x00\x01" + b"\xff" * (length - 3 - len(info)) + b"\x00" + info


def mgf1(seed, length, h=hashlib.sha256):
    out = b""
    for count in range(-(-length // h().digest_size)):
        out += h(seed + count.to_bytes(4, "big")).digest()
    return out[:length]


def pss(digest, salt, bits, trailer=b"\xbc", padding=None, mgf=hashlib.sha256, top=False):
    em_bits = bits - 1
    length = -(-em_bits // 8)
    h = sha(bytes(8) + digest + salt)
    ps = bytes(length - len(salt) - 34) if padding is None else padding
    db = xor(ps + b"\x01" + salt, mgf1(h, length - 33, mgf))
    mask = 0xff >> (8 * length - em_bits)
    db = bytes([db[0] & mask | (0 if not top else 0xff & ~mask)]) + db[1:]
    return bytes((bits + 7) // 8 - length) + db + h + trailer


def prime(seed, bits):
    """A prime of the given size with the two highest bits set, found from the seed by SHA-256 in counter mode."""
    count = 0
    while True:
        raw = b"".join(sha(b"%s %d %d" % (seed, count, i)) for i in range(bits // 256 + 1))
        p = number(raw) >> (8 * len(raw) - bits) | 3 << (bits - 2) | 1
        count += 1
        if p % 3 == 1 or any(p % q == 0 for q in (3, 5, 7, 11, 13, 17, 19, 23, 29, 31)):
            continue
        d, r = p - 1, 0
        while d % 2 == 0:
            d, r = d // 2, r + 1
        for i in range(12):
            x = pow(number(sha(b"witness %d" % i)), d, p)
            if x in (1, p - 1):
                continue
            for _ in range(r - 1):
                x = x * x % p
                if x == p - 1:
                    break
            else:
                break
        else:
            return p


class Rsa:
    def __init__(self, name, p, q, e):
        self.name, self.n, self.e = name, p * q, e
        self.d = pow(e, -1, (p - 1) * (q - 1))
        self.bits = self.n.bit_length()
        self.bytes = (self.bits + 7) // 8

    def sign(self, em):
        return pow(number(em), self.d, self.n).to_bytes(self.bytes, "big")


INFO = bytes.fromhex("3031300d060960864801650304020105000420")
A2_P = number(b64("4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDc"
                  "mnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc"))
A2_Q = number(b64("uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-"
                  "TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc"))
A2_SIGNATURE = b64("cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t"
                   "1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12j"
                   "zDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQ"
                   "Ge77Rw")
PAYLOAD = b"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"


def cube_root(x):
    low, high = 0, 1 << (x.bit_length() // 3 + 2)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if middle ** 3 < x else (low, middle)
    return low


def rsa_rows():
    a2 = Rsa("rsa_2048", A2_P, A2_Q, 65537)
    big = Rsa("rsa_4096", prime(b"big p", 2048), prime(b"big q", 2048), 65537)
    odd = Rsa("rsa_2049", prime(b"odd p", 1025), prime(b"odd q", 1024), 65537)      # 257 bytes, the first is 1
    three = Rsa("rsa_e3", prime(b"three p", 1024), prime(b"three q", 1024), 3)
    small = Rsa("rsa_1024", prime(b"small p", 512), prime(b"small q", 512), 65537)
    short = Rsa("rsa_2047", prime(b"short p", 1023), prime(b"short q", 1024), 65537)
    keys = {}
    rows = []
    digest = sha(b"mcptools")

    def row(name, alg, key, sig, ok, d=digest, n=None, e=None):
        n = key.n.to_bytes(key.bytes, "big") if n is None else n
        e = key.e.to_bytes((key.e.bit_length() + 7) // 8, "big") if e is None else e
        n_name = keys.setdefault(n, key.name if key.name not in keys.values() else f"{key.name}_{len(keys)}")
        rows.append((name, alg, n_name, e, d, sig, ok))

    def rs(name, em, ok=False, key=a2, **more):
        row(name, "RS256", key, key.sign(em), ok, **more)

    def ps(name, em, ok=False, key=a2, **more):
        row(name, "PS256", key, key.sign(em), ok, **more)

    em = pkcs1(INFO + digest, 256)
    good = a2.sign(em)
    row("RFC 7515 A.2", "RS256", a2, A2_SIGNATURE, True, d=sha(b"eyJhbGciOiJSUzI1NiJ9." + PAYLOAD))
    rs("2048 bits", em, True)
    rs("4096 bits", pkcs1(INFO + digest, 512), True, big)
    rs("2049 bits", pkcs1(INFO + digest, 257), True, odd)
    row("a bit of the signature", "RS256", a2, good[:100] + bytes([good[100] ^ 1]) + good[101:], False)
    row("a bit of the hash", "RS256", a2, good, False, d=bytes([digest[0] ^ 1]) + digest[1:])
    row("signature of another key", "RS256", a2, big.sign(pkcs1(INFO + digest, 512))[:256], False)
    row("signature a byte short", "RS256", a2, good[:-1], False)
    row("signature a byte long", "RS256", a2, good + b"\x00", False)
    row("signature with a zero in front", "RS256", a2, b"\x00" + good, False)
    row("no signature", "RS256", a2, b"", False)
    row("signature zero", "RS256", a2, bytes(256), False)
    row("signature one", "RS256", a2, bytes(255) + b"\x01", False)
    row("signature is the modulus", "RS256", a2, a2.n.to_bytes(256, "big"), False)
    row("signature n - 1", "RS256", a2, (a2.n - 1).to_bytes(256, "big"), False)
    count = 0
    while number(a2.sign(pkcs1(INFO + sha(b"%d" % count), 256))) + a2.n >> 2048:
        count += 1
    over = number(a2.sign(pkcs1(INFO + sha(b"%d" % count), 256))) + a2.n
    row("signature plus the modulus", "RS256", a2, over.to_bytes(256, "big"), False, d=sha(b"%d" % count))
    rs("block type 2", b"\x00\x02" + em[2:])
    rs("block type 0", b"\x00\x00" + bytes(202) + em[204:])
    rs("first byte not 0", b"\x01" + em[1:])
    rs("a padding byte not FF", em[:50] + b"\xfe" + em[51:])
    rs("no zero behind the padding", em.replace(b"\x00" + INFO, b"\xff" + INFO))
    rs("padding ends early, rest behind", b"\x00\x01" + b"\xff" * 8 + b"\x00" + INFO + digest + bytes(194))
    rs("hash at the end, 8 bytes of padding", b"\x00\x01" + b"\xff" * 8 + b"\x00" + bytes(194) + INFO + digest)
    rs("no DigestInfo", pkcs1(digest, 256))
    rs("DigestInfo of SHA-1", pkcs1(bytes.fromhex("3021300906052b0e03021a05000414") + hashlib.sha1(b"mcptools").digest(), 256))
    rs("DigestInfo of SHA-512 with our hash", pkcs1(bytes.fromhex("3031300d060960864801650304020305000420") + digest, 256))
    rs("DigestInfo without NULL", pkcs1(bytes.fromhex("302f300b0609608648016503040201") + b"\x04\x20" + digest, 256))
    rs("DigestInfo with a long length", pkcs1(bytes.fromhex("308131300d060960864801650304020105000420") + digest, 256))
    rs("a byte behind the hash", pkcs1(INFO + digest + b"\x00", 256))
    rs("hash a byte short", pkcs1(INFO + digest[:-1], 256))
    rs("signed as PS256", pss(digest, bytes(32), 2048))
    forged = number(b"\x00\x01" + b"\xff" * 8 + b"\x00" + INFO + digest + bytes(194))
    root = cube_root(forged)
    assert (root ** 3) >> (194 * 8) == forged >> (194 * 8)
    rs("exponent 3", em, True, three)
    row("exponent 3, forged by a cube root (Bleichenbacher 2006)", "RS256", three, root.to_bytes(256, "big"), False)
    row("exponent 1", "RS256", a2, em, False, e=b"\x01")
    row("exponent 0", "RS256", a2, em, False, e=b"\x00")
    row("no exponent", "RS256", a2, em, False, e=b"")
    row("exponent even", "RS256", a2, good, False, e=b"\x01\x00\x02")
    row("exponent with a zero in front", "RS256", a2, good, False, e=b"\x00\x01\x00\x01")
    row("exponent of 5 bytes", "RS256", a2, good, False, e=b"\x01\x00\x00\x00\x01")
    rs("1024 bits", pkcs1(INFO + digest, 128), False, small)
    rs("2047 bits", pkcs1(INFO + digest, 256), False, short)
    row("modulus with a zero in front", "RS256", a2, good, False, n=b"\x00" + a2.n.to_bytes(256, "big"))
    row("modulus and signature with a zero in front", "RS256", a2, b"\x00" + good, False, n=b"\x00" + a2.n.to_bytes(256, "big"))
    row("modulus even", "RS256", a2, good, False, n=(a2.n - 1).to_bytes(256, "big"))
    row("modulus zero", "RS256", a2, bytes(256), False, n=bytes(256))
    row("no modulus", "RS256", a2, b"", False, n=b"")
    row("513 bytes", "RS256", big, b"\x01" * 513, False, n=b"\x81" + bytes(511) + b"\x01")

    salt = sha(b"salt")
    ps("2048 bits", pss(digest, salt, 2048), True)
    ps("4096 bits", pss(digest, salt, 4096), True, big)
    ps("2049 bits (message a byte shorter than the modulus)", pss(digest, salt, 2049), True, odd)
    ps("a bit of the hash", pss(digest, salt, 2048), d=bytes([digest[0] ^ 1]) + digest[1:])
    row("signature a byte short", "PS256", a2, a2.sign(pss(digest, salt, 2048))[:-1], False)
    row("signature zero", "PS256", a2, bytes(256), False)
    ps("salt of 20 bytes", pss(digest, salt[:20], 2048))
    ps("salt of 33 bytes", pss(digest, salt + b"x", 2048))
    ps("no salt", pss(digest, b"", 2048))
    ps("trailer CC", pss(digest, salt, 2048, trailer=b"\xcc"))
    ps("padding not zero", pss(digest, salt, 2048, padding=bytes(100) + b"\x01" + bytes(89)))
    ps("MGF1 with SHA-1", pss(digest, salt, 2048, mgf=hashlib.sha1))
    count = 0
    while number(pss(digest, sha(b"%d" % count), 2048, top=True)) >= a2.n:
        count += 1
    ps("highest bit set", pss(digest, sha(b"%d" % count), 2048, top=True))
    ps("first byte not zero", b"\x01" + pss(digest, salt, 2049)[1:], False, odd)
    ps("signed as RS256", em)
    row("exponent 1", "PS256", a2, pss(digest, salt, 2048), False, e=b"\x01")
    ps("1024 bits", pss(digest, salt, 1024), False, small)
    return keys, rows


# ---- P-256 (FIPS 186-4, RFC 6979) ----

P = 2 ** 256 - 2 ** 224 + 2 ** 192 + 2 ** 96 - 1
N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b
G = (0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296,
     0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5)


def add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        m = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P)
    else:
        m = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (m * m - a[0] - b[0]) % P
    return x, (m * (a[0] - x) - a[1]) % P


def times(k, point=G):
    out = None
    while k:
        if k & 1:
            out = add(out, point)
        point, k = add(point, point), k >> 1
    return out


def b32(x):
    return x.to_bytes(32, "big")


def xy(point):
    return b32(point[0]) + b32(point[1])


def nonce(d, digest):
    """RFC 6979 section 3.2."""
    material = b32(d) + b32(number(digest) % N)
    v, k = b"\x01" * 32, bytes(32)
    for byte in (b"\x00", b"\x01"):
        k = hmac.digest(k, v + byte + material, "sha256")
        v = hmac.digest(k, v, "sha256")
    while True:
        v = hmac.digest(k, v, "sha256")
        if 0 < number(v) < N:
            return number(v)
        k = hmac.digest(k, v + b"\x00", "sha256")
        v = hmac.digest(k, v, "sha256")


def sign(d, digest, k=None):
    k = k or nonce(d, digest)
    r = times(k)[0] % N
    return r, pow(k, -1, N) * (number(digest) + r * d) % N


def raw(signature):
    return b32(signature[0]) + b32(signature[1])


def ec_rows():
    rfc6979 = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
    a3 = number(b64("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"))
    a3_xy = b64("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU") + b64("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")
    a3_signature = b64("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")
    assert xy(times(a3)) == a3_xy
    sample, test = sha(b"sample"), sha(b"test")
    signing = [
        ("RFC 6979 A.2.5 sample", rfc6979, sample, bytes.fromhex(
            "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
            "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8")),
        ("RFC 6979 A.2.5 test", rfc6979, test, bytes.fromhex(
            "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367"
            "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083")),
        ("RFC 7515 A.3 key", a3, sample, raw(sign(a3, sample))),
        ("private key 1", 1, sample, raw(sign(1, sample))),
        ("private key n - 1", N - 1, sample, raw(sign(N - 1, sample))),
        ("hash all ones", a3, b"\xff" * 32, raw(sign(a3, b"\xff" * 32))),
    ]
    # a hash of zero is left out: BearSSL refuses it, and nobody knows a message that has it
    assert all(raw(sign(d, digest)) == signature for _, d, digest, signature in signing)
    q = xy(times(rfc6979))
    r, s = sign(rfc6979, sample)
    rows = [("RFC 7515 A.3", a3_xy, sha(b"eyJhbGciOiJFUzI1NiJ9." + PAYLOAD), a3_signature, True)]
    rows += [(name, xy(times(d)), digest, signature, True) for name, d, digest, signature in signing]

    def row(name, r, s, ok=False, digest=sample, point=q):
        rows.append((name, point, digest, b32(r) + b32(s), ok))

    row("s is n - s (ECDSA allows it)", r, N - s, True)
    row("a bit of r", r ^ 1, s)
    row("a bit of s", r, s ^ 1 << 200)
    row("hash of another message", r, s, digest=test)
    row("r and s exchanged", s, r)
    row("r zero", 0, s)
    row("s zero", r, 0)
    row("both zero", 0, 0)
    row("both zero, hash zero", 0, 0, digest=bytes(32))
    row("r is the order", N, s)
    row("s is the order", r, N)
    row("r all ones", 2 ** 256 - 1, s)
    row("s all ones", r, 2 ** 256 - 1)
    row("r one, s one", 1, 1)
    row("r is n - 1", N - 1, s)
    row("s is n - 1", r, N - 1)
    # the same value modulo the order, not reduced: only a small r or s leaves room for the order in 256 bits
    small, k = 12345, 7               # s and k chosen; d follows from them
    rk = times(k)[0] % N
    d = (small * k - number(sample)) * pow(rk, -1, N) % N
    assert sign(d, sample, k) == (rk, small)
    row("s small", rk, small, True, point=xy(times(d)))
    row("s plus the order", rk, small + N, point=xy(times(d)))
    # u1 G and u2 Q are the same point, or opposite ones
    row("the public key is G, u1 equals u2", *sign(1, b32(rk), k), True, digest=b32(rk), point=xy(G))
    row("the sum is the point at infinity", rk, 1, digest=b32(rk), point=xy(times(N - 1)))
    row("a coordinate of G is the hash", *sign(1, b32(G[0]), k), True, digest=b32(G[0]), point=xy(G))
    row("signed with the other key", *sign(a3, sample))
    row("point not on the curve", r, s, point=q[:63] + bytes([q[63] ^ 1]))
    row("point at infinity as zeros", r, s, point=bytes(64))
    row("point with y negated", r, s, point=q[:32] + b32(P - number(q[32:])))
    row("x is the field's prime", r, s, point=b32(P) + q[32:])
    row("y all ones", r, s, point=q[:32] + b"\xff" * 32)
    # a curve with another b, on which attackers choose points of small order: x=1 gives a point there, not here
    row("point of another curve", r, s, point=b32(1) + b32(1))
    y = pow(B, (P + 1) // 4, P)
    assert y * y % P == B
    row("x plus the prime (x is 0)", *sign(a3, sample), point=b32(P) + b32(y))
    bad_keys = [("zero", 0), ("the order", N), ("all ones", 2 ** 256 - 1)]
    return signing, rows, bad_keys


# ---- AEAD (RFC 8439, NIST SP 800-38D) ----

def aead_rows():
    text = (b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.")
    zero = bytes(32)
    feff = bytes.fromhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")
    plain = bytes.fromhex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
                          "ba637b391aafd255")
    sealed = ("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0a"
              "bcc9f662898015ad")
    iv = bytes.fromhex("cafebabefacedbaddecaf888")
    aad = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    return [
        ("RFC 8439 2.8.2", "chacha", bytes(range(0x80, 0xa0)), bytes.fromhex("070000004041424344454647"),
         bytes.fromhex("50515253c0c1c2c3c4c5c6c7"), text, bytes.fromhex(
             "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b29"
             "05d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b"
             "61161ae10b594f09e26a7e902ecbd0600691")),
        ("NIST GCM 13", "gcm", zero, bytes(12), b"", b"", bytes.fromhex("530f8afbc74536b9a963b4f1c4cb738b")),
        ("NIST GCM 14", "gcm", zero, bytes(12), b"", bytes(16),
         bytes.fromhex("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919")),
        ("NIST GCM 15", "gcm", feff, iv, b"", plain, bytes.fromhex(sealed + "b094dac5d93471bdec1a502270e3cc6c")),
        ("NIST GCM 16", "gcm", feff, iv, aad, plain[:60], bytes.fromhex(sealed[:120] + "76fc6ece0f4e1768cddf8853bb2d551b")),
    ]


def text(data):
    """A C string of hexadecimal digits, in lines."""
    digits = data.hex()
    if len(digits) <= 80:
        return f'"{digits}"'
    return "".join(f'\n    "{digits[i:i + 112]}"' for i in range(0, len(digits), 112))


def main():
    print("/* Made by tests/vectors/crypto.py, which says where each row comes from. Bytes are hexadecimal digits. */")
    keys, rows = rsa_rows()
    for n, name in keys.items():
        print(f'static const char {name}[] ={" " if n == b"" else ""}{text(n)};')
    print("static const struct rsa_row { const char *name, *alg, *n, *e, *hash, *sig; bool ok; } rsa_rows[] = {")
    for name, alg, n, e, d, sig, ok in rows:
        print(f'  {{ "{name}", "{alg}", {n}, "{e.hex()}",\n    "{d.hex()}", {text(sig)}, {str(ok).lower()} }},')
    print("};")
    signing, rows, bad_keys = ec_rows()
    print("static const struct sign_row { const char *name, *key, *xy, *hash, *sig; } sign_rows[] = {")
    for name, d, digest, signature in signing:
        print(f'  {{ "{name}", "{b32(d).hex()}",{text(xy(times(d)))},\n    "{digest.hex()}",{text(signature)} }},')
    print("};")
    print("static const struct ec_row { const char *name, *xy, *hash, *sig; bool ok; } ec_rows[] = {")
    for name, point, digest, signature, ok in rows:
        print(f'  {{ "{name}",{text(point)},\n    "{digest.hex()}",{text(signature)}, {str(ok).lower()} }},')
    print("};")
    print("static const struct key_row { const char *name, *key; } bad_keys[] = {")
    for name, d in bad_keys:
        print(f'  {{ "{name}", "{b32(d).hex()}" }},')
    print("};")
    print("static const struct aead_row { const char *name, *alg, *key, *nonce, *aad, *plain, *sealed; } aead_rows[] = {")
    for name, alg, key, iv, aad, plain, sealed in aead_rows():
        print(f'  {{ "{name}", "{alg}", "{key.hex()}", "{iv.hex()}", "{aad.hex()}",\n    {text(plain)}, {text(sealed)} }},')
    print("};")


main()

"""What boto3 does with an S3 endpoint: s3.py <endpoint> <access key> <secret key>. Says nothing when all is well."""

import hashlib
import io
import sys
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, access, secret = sys.argv[1:4]


def client(access=access, secret=secret, **config):
    options = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}, **config)
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=access,
        aws_secret_access_key=secret,
        region_name="us-east-1",
        config=options,
    )


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error.response
    raise AssertionError(f"{code} expected")


def names(page, field="Contents", name="Key"):
    return [entry[name] for entry in page.get(field, [])]


s3 = client()

# Buckets.
assert "default" in names(s3.list_buckets(), "Buckets", "Name")
s3.create_bucket(Bucket="shop")
refused("BucketAlreadyOwnedByYou", s3.create_bucket, Bucket="shop")
s3.head_bucket(Bucket="shop")
refused("404", s3.head_bucket, Bucket="nowhere")
refused("NoSuchBucket", s3.put_object, Bucket="nowhere", Key="a", Body=b"a")

# One object: made, read, read in part, conditionally, written over.
body = b"Hello, World!"
put = s3.put_object(Bucket="shop", Key="docs/a b+\u00fc.txt", Body=body, ContentType="text/plain", Metadata={"k": "v"})
assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"', put["ETag"]
got = s3.get_object(Bucket="shop", Key="docs/a b+\u00fc.txt")
assert got["Body"].read() == body and got["ContentType"] == "text/plain" and got["Metadata"] == {"k": "v"}
assert got["ETag"] == put["ETag"] and got["ContentLength"] == 13
part = s3.get_object(Bucket="shop", Key="docs/a b+\u00fc.txt", Range="bytes=7-11")
assert part["Body"].read() == b"World" and part["ContentRange"] == "bytes 7-11/13"
assert part["ResponseMetadata"]["HTTPStatusCode"] == 206
refused("InvalidRange", s3.get_object, Bucket="shop", Key="docs/a b+\u00fc.txt", Range="bytes=99-")
refused("304", s3.get_object, Bucket="shop", Key="docs/a b+\u00fc.txt", IfNoneMatch=put["ETag"])
refused("PreconditionFailed", s3.get_object, Bucket="shop", Key="docs/a b+\u00fc.txt", IfMatch='"x"')
refused("PreconditionFailed", s3.put_object, Bucket="shop", Key="docs/a b+\u00fc.txt", Body=b"x", IfNoneMatch="*")
head = s3.head_object(Bucket="shop", Key="docs/a b+\u00fc.txt")
assert head["ContentLength"] == 13 and head["ETag"] == put["ETag"] and head["Metadata"] == {"k": "v"}
s3.put_object(Bucket="shop", Key="docs/a b+\u00fc.txt", Body=b"new")
assert s3.get_object(Bucket="shop", Key="docs/a b+\u00fc.txt")["Body"].read() == b"new"
refused("NoSuchKey", s3.get_object, Bucket="shop", Key="missing")
refused("404", s3.head_object, Bucket="shop", Key="missing")

# Bytes that are not those of their checksum, and a bucket's limits.
refused("BadDigest", s3.put_object, Bucket="shop", Key="bad", Body=b"abc", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")
for algorithm in ("CRC32", "SHA1", "SHA256"):
    s3.put_object(Bucket="shop", Key="checked", Body=b"abc", ChecksumAlgorithm=algorithm)
refused("BadDigest", s3.put_object, Bucket="shop", Key="bad", Body=b"abc", ChecksumCRC32="AAAAAA==")
refused("EntityTooSmall", s3.put_object, Bucket="shop", Key="empty", Body=b"")
refused("NoSuchKey", s3.get_object, Bucket="shop", Key="bad")

# Lists, in pages, with folders.
for name in ("a/1", "a/2", "b/1", "c", "d", "e%20f"):
    s3.put_object(Bucket="shop", Key=name, Body=name.encode())
page = s3.list_objects_v2(Bucket="shop", Delimiter="/")
assert names(page) == ["c", "checked", "d", "e%20f"], names(page)
assert names(page, "CommonPrefixes", "Prefix") == ["a/", "b/", "docs/"]
assert names(s3.list_objects_v2(Bucket="shop", Prefix="a/")) == ["a/1", "a/2"]
assert names(s3.list_objects_v2(Bucket="shop", Prefix="docs/")) == ["docs/a b+\u00fc.txt"]
assert names(s3.list_objects(Bucket="shop", Prefix="a/")) == ["a/1", "a/2"]
pages = s3.get_paginator("list_objects_v2").paginate(Bucket="shop", PaginationConfig={"PageSize": 2})
everything = [name for page in pages for name in names(page)]
assert everything == ["a/1", "a/2", "b/1", "c", "checked", "d", "docs/a b+\u00fc.txt", "e%20f"], everything
folders = s3.get_paginator("list_objects").paginate(Bucket="shop", Delimiter="/", PaginationConfig={"PageSize": 1})
found = [name for page in folders for name in names(page) + names(page, "CommonPrefixes", "Prefix")]
assert found == ["a/", "b/", "c", "checked", "d", "docs/", "e%20f"], found

# Copies.
s3.copy_object(Bucket="shop", Key="copy", CopySource={"Bucket": "shop", "Key": "a/1"})
assert s3.get_object(Bucket="shop", Key="copy")["Body"].read() == b"a/1"
s3.copy_object(
    Bucket="shop",
    Key="copy",
    CopySource={"Bucket": "shop", "Key": "copy"},
    MetadataDirective="REPLACE",
    Metadata={"n": "2"},
    ContentType="text/css",
)
assert s3.head_object(Bucket="shop", Key="copy")["Metadata"] == {"n": "2"}
assert s3.head_object(Bucket="shop", Key="copy")["ContentType"] == "text/css"

# In parts: by the transfer manager, and by hand.
large = bytes(range(256)) * (80 << 10)
config = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=6 << 20, max_concurrency=3)
s3.upload_fileobj(io.BytesIO(large), "shop", "large", Config=config, ExtraArgs={"ContentType": "application/x-large"})
back = io.BytesIO()
s3.download_fileobj("shop", "large", back, Config=config)
assert back.getvalue() == large
assert s3.head_object(Bucket="shop", Key="large")["ContentType"] == "application/x-large"
upload = s3.create_multipart_upload(Bucket="shop", Key="parts")["UploadId"]
named = {"Bucket": "shop", "Key": "parts", "UploadId": upload}
first = s3.upload_part(PartNumber=1, Body=b"wrong", **named)
first = s3.upload_part(PartNumber=1, Body=b"first ", **named)
second = s3.upload_part_copy(
    PartNumber=2, CopySource={"Bucket": "shop", "Key": "large"}, CopySourceRange="bytes=65-67", **named
)
assert [part["Size"] for part in s3.list_parts(**named)["Parts"]] == [6, 3]
assert [entry["UploadId"] for entry in s3.list_multipart_uploads(Bucket="shop")["Uploads"]] == [upload]
parts = [
    {"PartNumber": 1, "ETag": first["ETag"]},
    {"PartNumber": 2, "ETag": second["CopyPartResult"]["ETag"]},
]
refused("InvalidPartOrder", s3.complete_multipart_upload, MultipartUpload={"Parts": parts[::-1]}, **named)
wrong = {"Parts": [{"PartNumber": 1, "ETag": '"x"'}]}
refused("InvalidPart", s3.complete_multipart_upload, MultipartUpload=wrong, **named)
done = s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **named)
assert s3.get_object(Bucket="shop", Key="parts")["Body"].read() == b"first ABC"
again = s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **named)
assert again["ETag"] == done["ETag"]
given_up = s3.create_multipart_upload(Bucket="shop", Key="given up")["UploadId"]
s3.upload_part(Bucket="shop", Key="given up", UploadId=given_up, PartNumber=1, Body=b"some")
s3.abort_multipart_upload(Bucket="shop", Key="given up", UploadId=given_up)
refused("NoSuchUpload", s3.list_parts, Bucket="shop", Key="given up", UploadId=given_up)

# URLs that need no keys.
signer = client(signature_version="s3v4")
url = signer.generate_presigned_url("get_object", Params={"Bucket": "shop", "Key": "a/1"}, ExpiresIn=60)
assert urllib.request.urlopen(url).read() == b"a/1"
url = signer.generate_presigned_url("put_object", Params={"Bucket": "shop", "Key": "by url"}, ExpiresIn=60)
urllib.request.urlopen(urllib.request.Request(url, data=b"by url", method="PUT"))
assert s3.get_object(Bucket="shop", Key="by url")["Body"].read() == b"by url"

# Nobody else.
refused("SignatureDoesNotMatch", client(secret="wrong").list_buckets)
refused("InvalidAccessKeyId", client(access="nobody").list_buckets)
for path in ("/", "/shop", "/shop/a/1"):
    try:
        urllib.request.urlopen(endpoint + path)
        raise AssertionError(f"{path} is open")
    except urllib.error.HTTPError as error:
        assert error.code == 403, error.code

# The end.
refused("BucketNotEmpty", s3.delete_bucket, Bucket="shop")
everything = [name for page in s3.get_paginator("list_objects_v2").paginate(Bucket="shop") for name in names(page)]
gone = s3.delete_objects(Bucket="shop", Delete={"Objects": [{"Key": name} for name in everything]})
assert len(gone["Deleted"]) == len(everything) and not gone.get("Errors")
s3.delete_object(Bucket="shop", Key="was never there")
s3.delete_bucket(Bucket="shop")
refused("AccessDenied", s3.delete_bucket, Bucket="default")

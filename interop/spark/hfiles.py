"""HFiles as Hudi's own Java classes read them: the native reader, and HBase's, which releases before 1.2 use."""
import base64

SEEK_FOUND, SEEK_IN_RANGE, SEEK_EOF = 0, 1, 2


class Native:
    """org.apache.hudi.io.hfile.HFileReaderImpl"""

    def __init__(self, spark, path):
        self.jvm, self.path = spark._jvm, path
        self.storage = self.jvm.org.apache.hudi.storage.hadoop.HoodieHadoopStorage(path, spark._jsc.hadoopConfiguration())

    def open(self):
        where = self.jvm.org.apache.hudi.storage.StoragePath(self.path)
        stream = self.storage.openSeekable(where, 1 << 16, False)
        reader = self.jvm.org.apache.hudi.io.hfile.HFileReaderImpl(stream, self.storage.getPathInfo(where).getLength())
        reader.initializeMetadata()
        return reader

    def key(self, text):
        return self.jvm.org.apache.hudi.io.hfile.UTF8StringKey(text)

    def entries(self):
        return self.open().getNumKeyValueEntries()

    def meta(self, name):
        found = self.open().getMetaBlock(name)
        if not found.isPresent():
            return None
        at = found.get()
        return bytes(at.array())[at.arrayOffset() + at.position():at.arrayOffset() + at.limit()]

    def info(self, name):
        found = self.open().getMetaInfo(self.key(name))
        return bytes(found.get()) if found.isPresent() else None

    def scan(self):
        reader = self.open()
        more = reader.seekTo()
        while more:
            entry = reader.getKeyValue().get()
            yield entry.getKey().getContentInString(), entry.getValueLength()
            more = reader.next()

    def value(self, entry):
        at = entry.getValueOffset()
        return bytes(entry.getBytes())[at:at + entry.getValueLength()]

    def look_up(self, keys):  # sorted: the reader goes on from where it is, which is nowhere before the first seekTo
        reader = self.open()
        reader.seekTo()
        for key in keys:
            if reader.seekTo(self.key(key)) == SEEK_FOUND:
                yield key, self.value(reader.getKeyValue().get())

    def prefix(self, prefix):
        reader = self.open()
        reader.seekTo()
        at = reader.seekTo(self.key(prefix))
        more = at != SEEK_EOF
        if at == SEEK_IN_RANGE:
            more = reader.next()
        while more:
            key = reader.getKeyValue().get().getKey().getContentInString()
            if not key.startswith(prefix):
                return
            yield key
            more = reader.next()


class HBase:
    """The shaded org.apache.hadoop.hbase.io.hfile.HFile"""

    def __init__(self, spark, path):
        self.hbase, conf = spark._jvm.org.apache.hudi.org.apache.hadoop.hbase, spark._jsc.hadoopConfiguration()
        where = spark._jvm.org.apache.hadoop.fs.Path(path)
        self.reader = self.hbase.io.hfile.HFile.createReader(where.getFileSystem(conf), where, conf)

    def key(self, text):  # as Hudi 0.15 makes it
        return self.hbase.KeyValue(bytearray(text.encode()), bytearray(), bytearray(), bytearray())

    def entries(self):
        return self.reader.getEntries()

    def meta(self, name):
        block = self.reader.getMetaBlock(name, False)
        if block is None:
            return None
        content = block.getBufferWithoutHeader()
        return bytes(content.toBytes(0, content.limit()))

    def info(self, name):
        found = self.reader.getHFileInfo().get(bytearray(name.encode()))
        return None if found is None else bytes(found)

    def scan(self):
        scanner = self.reader.getScanner(False, False)
        more = scanner.seekTo()
        while more:
            cell = scanner.getCell()
            yield bytes(self.hbase.CellUtil.cloneRow(cell)).decode(), cell.getValueLength()
            more = scanner.next()

    def look_up(self, keys):
        scanner = self.reader.getScanner(False, True)
        for key in keys:
            if scanner.seekTo(self.key(key)) == SEEK_FOUND:
                yield key, bytes(self.hbase.CellUtil.cloneValue(scanner.getCell()))

    def prefix(self, prefix):
        scanner = self.reader.getScanner(False, False)
        at = scanner.seekTo(self.key(prefix))
        more = scanner.seekTo() if at == -1 else at == SEEK_FOUND or scanner.next()
        while more:
            key = bytes(self.hbase.CellUtil.cloneRow(scanner.getCell())).decode()
            if not key.startswith(prefix):
                return
            yield key
            more = scanner.next()


def read(spark, c):
    """c: path, reader (native or hbase), keys and prefixes to look up, names of meta blocks and of file info."""
    file = {"native": Native, "hbase": HBase}[c["reader"]](spark, c["path"])

    def texts(get, names):
        return {name: base64.b64encode(value).decode() for name in names for value in [get(name)] if value is not None}

    return {"entries": file.entries(), "scan": [[key, length] for key, length in file.scan()],
            "values": {key: base64.b64encode(value).decode() for key, value in file.look_up(c.get("keys", []))},
            "prefixes": {prefix: list(file.prefix(prefix)) for prefix in c.get("prefixes", [])},
            "meta": texts(file.meta, c.get("meta") or []), "info": texts(file.info, c.get("info", []))}

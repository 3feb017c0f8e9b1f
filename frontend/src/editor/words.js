// The graph editor speaks English only: its words in Chinese, put in their places when it is built (see build.js).
const CHINESE = {
  "Add row": "添加行", "Allow custom values": "允许自定义值", "Cancel": "取消", "Clear": "清除", "Close panel": "关闭面板", "Collect": "所有命中行",
  "Configure": "设置", "Copy JSON": "复制JSON", "Currently: Expression. Click for value mode.": "当前为表达式，点击切换为取值。",
  "Currently: Value. Click for expression mode.": "当前为取值，点击切换为表达式。", "DESCRIPTION": "说明", "Data type": "数据类型", "Date": "日期",
  "Decision Tables": "决策表", "Decision table": "决策表", "Decision table columns": "决策表的列", "Delete node": "删除节点", "Description": "说明",
  "Deselect": "取消选择", "Dictionary": "字典", "Documentation": "文档", "Done": "完成", "Download Excel": "下载Excel", "Download JSON": "下载JSON",
  "Edit Expression": "编辑表达式", "Edit Table": "编辑表格", "Edit column": "编辑列", "Else": "否则", "Else If": "否则如果", "Enter field name": "填写字段名",
  "Enum": "枚举", "Exact": "精确", "Execution mode": "执行方式", "Export Excel": "导出Excel", "Expression": "表达式", "Expression...": "表达式…",
  "Expressions": "表达式", "Field label": "字段名称", "First": "首个命中行", "Format": "格式", "Format code": "整理代码", "Go to documentation": "查看文档",
  "Hit Policy": "命中方式", "If": "如果", "Import Excel": "导入Excel", "Import from JSON": "从JSON导入", "Inline": "内联", "Input": "输入", "Input Field": "输入字段",
  "Input field": "输入字段", "Inputs": "输入", "JSON": "JSON", "Key": "键", "Label": "名称", "Learn more": "了解更多", "Loop": "逐项", "Next": "下一步",
  "No conditions": "无条件", "No input columns": "没有输入列", "No matches": "没有匹配", "No output columns": "没有输出列", "None": "无", "Number": "数字",
  "Output": "输出", "Output Field": "输出字段", "Output path": "输出路径", "Outputs": "输出", "Outputs the context": "输出结果", "Passthrough": "透传",
  "Previous": "上一步", "Provides input context": "提供输入", "Remove": "删除", "Remove column": "删除列", "Remove condition?": "删除该条件？",
  "Remove row?": "删除该行？", "Remove this column?": "删除该列？", "Reorder fields": "调整顺序", "Request": "请求", "Response": "结果",
  "Rules spreadsheet": "规则表", "Run": "运行", "Search components...": "搜索节点类型…", "Search nodes": "搜索节点", "Search nodes...": "搜索节点…",
  "Search...": "搜索…", "Select dictionary...": "选择字典…", "Settings": "设置", "Simulation index:": "模拟序号：", "Single": "单次", "Switch": "分支",
  "Table column": "表列", "Text": "文本", "Type": "类型", "Update": "更新", "Upload Excel": "上传Excel", "Upload JSON": "上传JSON", "Components": "节点类型", "(Drag-and-drop)": "（拖放）", "Scorecard": "评分卡",
  "Nodes": "节点", "Graph": "决策图", "Mapping utility": "映射", "Trace": "轨迹", "Nodes trace": "节点轨迹", "Nodes context": "节点输入", "any": "不限", "between": "介于", "contains": "包含",
  "ends with": "结尾为", "equals": "等于", "greater or equal": "大于等于", "greater than": "大于", "is empty": "为空", "is not empty": "不为空",
  "is not one of": "不属于", "is one of": "属于", "less or equal": "小于等于", "less than": "小于", "not equals": "不等于", "select field": "选择字段", "starts with": "开头为",
};
const chinese = document.documentElement.lang.toLowerCase().startsWith("zh");
globalThis.jdmWord = (text) => (chinese && CHINESE[text]) || text;
